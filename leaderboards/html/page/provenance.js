// Where a row comes from: shown while its model is pointed at or focused, and kept open by a click or a tap.

class Provenance {
  constructor(panel) {
    this.panel = panel;
    this.pinned = null;
    document.addEventListener('keydown', (event) => { if (event.key === 'Escape') this.hide(); });
    document.addEventListener('pointerdown', (event) => {
      if (this.pinned && !this.panel.contains(event.target) && !this.pinned.contains(event.target)) this.hide();
    });
    // Focus by the keyboard scrolls as well, so the panel goes along with its button.
    addEventListener('scroll', (event) => { if (event.target !== this.panel && !this.panel.hidden) this.place(); }, { passive: true, capture: true });
  }

  /** Let `cell`, with `button` in it, show the facts of a row. */
  attach(cell, button, row) {
    const show = () => { if (!this.pinned) this.show(button, row); };
    const hide = () => { if (!this.pinned) this.hide(); };
    cell.addEventListener('pointerenter', (event) => { if (event.pointerType === 'mouse') show(); });
    cell.addEventListener('pointerleave', (event) => { if (event.pointerType === 'mouse') hide(); });
    button.addEventListener('focus', show);
    button.addEventListener('blur', (event) => {
      // A click into what is pinned, to copy a hash, takes the focus away as well.
      const left = event.relatedTarget && !this.panel.contains(event.relatedTarget);
      if (!this.pinned || left) this.hide();
    });
    button.addEventListener('click', () => {
      if (this.pinned === button) return this.hide();
      this.show(button, row);
      this.pinned = button;
    });
  }

  show(button, row) {
    this.panel.replaceChildren(element('p', { class: 'provenance-title' }, row.label),
      element('dl', {}, row.provenance.map(([name, value]) => [element('dt', {}, name), element('dd', {}, value)])));
    this.panel.hidden = false;
    button.setAttribute('aria-describedby', this.panel.id);
    this.owner = button;
    this.place();
  }

  /** Beside the button; away where that was scrolled out of sight. */
  place() {
    const place = this.owner.getBoundingClientRect();
    if (place.bottom < 0 || place.top > innerHeight) return this.hide();
    const size = this.panel.getBoundingClientRect();
    const below = place.bottom + size.height + 12 < innerHeight || place.top < size.height + 12;
    this.panel.style.left = `${Math.max(8, Math.min(place.left, innerWidth - size.width - 8))}px`;
    this.panel.style.top = `${Math.max(8, below ? place.bottom + 6 : place.top - size.height - 6)}px`;
  }

  hide() {
    this.panel.hidden = true;
    this.pinned = null;
    this.owner?.removeAttribute('aria-describedby');
  }
}
