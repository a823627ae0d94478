// The clips behind a table: extremes of each model, all clips by how hard they are; each opens in the player.

const CLIPS_AT_ONCE = 25;
const [VIDEO, FLOW] = [1, 2];
const [SOURCE, DRIVING] = [1, 2];
const ORDERS = { hardest: 'hardest first', easiest: 'easiest first', listed: 'as listed' };

/** One clip of a table with all that there is of it. */
function clipOf(table, number) {
  const [name, source, frames, fps, folder, parts] = table.clips.clips[number];
  return { number, name, source, frames, fps, folder, hasSource: !!(parts & SOURCE), hasDriving: !!(parts & DRIVING) };
}

class Explorer {
  /** `watch` opens a clip: (table, metric's number, clip's number, the clips around it in order). */
  constructor(watch) {
    this.watch = watch;
    this.state = { metric: 0, order: 'hardest', text: '' };
    this.element = element('div', { class: 'explorer' });
  }

  show(table) {
    this.table = table;
    this.state.metric = Math.min(this.state.metric, Math.max(0, table.clips.metrics.length - 1));
    const { clips, metrics } = table.clips;
    if (!clips.length) {
      this.element.replaceChildren(element('p', { class: 'card nothing' }, 'No clips are behind this table.'));
      return;
    }
    const options = metrics.map((name, index) => [index, this.columnLabel(name)]);
    const controls = element('div', { class: 'controls' },
      metrics.length ? choice('Metric', options, this.state.metric, (value) => { this.state.metric = Number(value); this.draw(); }) : null,
      metrics.length ? choice('Order', Object.entries(ORDERS), this.state.order, (value) => { this.state.order = value; this.draw(); }) : null,
      element('label', { class: 'field grow' }, element('span', {}, 'Find a clip'),
        element('input', { type: 'search', value: this.state.text, placeholder: 'part of its name', autocomplete: 'off', spellcheck: 'false',
          oninput: (event) => { this.state.text = event.target.value; this.drawList(); } })));
    this.extremesNode = element('div', {});
    this.gapNode = element('div', {});
    this.listNode = element('div', {});
    this.element.replaceChildren(controls, this.extremesNode, this.gapNode, this.listNode);
    this.draw();
  }

  columnLabel(name) {
    const column = this.column(name);
    return `${columnName(name)} ${directionArrow(column)}`;
  }

  column(name) {
    return this.table.columns.find((column) => column.name === name);
  }

  draw() {
    const { clips } = this.table;
    this.name = clips.metrics[this.state.metric];
    this.values = clips.values[this.state.metric] ?? [];
    const better = this.name ? this.column(this.name).better : 'lower';
    this.hardness = hardness(this.values, better, clips.clips.length);
    this.ranges = this.values.map((values) => {
      const there = values.filter((value) => value !== null);
      return [there.reduce((least, value) => Math.min(least, value), Infinity), there.reduce((most, value) => Math.max(most, value), -Infinity)];
    });
    this.drawExtremes(better);
    const chart = this.name ? gapChart(this.table, this.values, this.column(this.name)) : null;
    this.gapNode.replaceChildren(...(chart ? [chart] : []));
    this.drawList();
  }

  drawExtremes(better) {
    if (!this.name) return this.extremesNode.replaceChildren();
    const column = this.column(this.name);
    const kinds = ['worst', 'median', 'best'];
    const rows = this.table.clips.contestants.map((row, index) => {
      const order = worstFirst(this.values[index], better);
      const found = extremes(order);
      const label = this.table.rows[row].label;
      if (!found) return null;
      return element('tr', {}, element('th', { scope: 'row' }, label), kinds.map((kind) => element('td', {},
        this.clipButton(found[kind], order, numberText(this.values[index][found[kind]], column), `${kind} clip of ${label}`))));
    });
    this.extremesNode.replaceChildren(element('article', { class: 'card' },
      element('h3', {}, `Worst, median and best clip by ${columnName(this.name)}`),
      element('table', { class: 'extremes' },
        element('thead', {}, element('tr', {}, element('td', {}), kinds.map((kind) => element('th', { scope: 'col' }, kind)))),
        element('tbody', {}, rows))));
  }

  clipButton(number, order, text, what) {
    const clip = clipOf(this.table, number);
    return element('button', { type: 'button', class: 'clip-button', title: clip.name,
      'aria-label': `Play ${what}: ${clip.name}, ${columnName(this.name)} ${text}`, onclick: () => this.open(number, order) },
    this.thumbnail(clip), element('span', { class: 'clip-text' },
      element('span', { class: 'value' }, text), element('span', { class: 'clip-name muted' }, clip.name)));
  }

  thumbnail(clip) {
    if (!clip.hasSource) return element('span', { class: 'thumbnail none', 'aria-hidden': 'true' }, icon('play'));
    return element('img', { class: 'thumbnail', src: `${clip.folder}/source.png`, alt: '', loading: 'lazy', decoding: 'async', width: 40, height: 40 });
  }

  open(number, order) {
    this.watch(this.table, this.state.metric, number, order);
  }

  /** Numbers of the clips to list, in order. */
  listed() {
    const matches = wordFilter(this.state.text);
    const numbers = this.table.clips.clips.map((clip, number) => number).filter((number) => {
      const [name, source] = this.table.clips.clips[number];
      return matches(`${name}\n${source}`.toLowerCase());
    });
    if (this.state.order === 'listed') return numbers;
    const better = this.state.order === 'easiest' ? 'lower' : 'higher';
    return numbers.sort((first, second) => byQuality(this.hardness[first], this.hardness[second], better));
  }

  drawList() {
    const order = this.listed();
    const labels = this.table.clips.contestants.map((row) => this.table.rows[row].label);
    const body = element('tbody', {});
    const more = element('button', { type: 'button', class: 'more', onclick: () => extend() });
    const extend = () => {
      const from = body.children.length;
      body.append(...order.slice(from, from + CLIPS_AT_ONCE).map((number) => this.listRow(number, order)));
      const left = order.length - body.children.length;
      more.hidden = left === 0;
      more.textContent = `Show ${Math.min(left, CLIPS_AT_ONCE)} more of ${left}`;
      if (from && body.children[from]) body.children[from].querySelector('button').focus();
    };
    extend();
    this.listNode.replaceChildren(element('article', { class: 'card' },
      element('h3', {}, `All clips, ${ORDERS[this.name ? this.state.order : 'listed']}`),
      element('p', { class: 'muted', role: 'status' }, `${plural(order.length, 'clip')}. `,
        this.name ? 'Hardness is a clip’s rank among all clips of a model, 0 easiest to 1 hardest, on average over models.' : ''),
      element('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'All clips' },
        element('table', { class: 'clip-list' },
          element('thead', {}, element('tr', {}, element('th', { scope: 'col' }, 'clip'),
            this.name ? element('th', { scope: 'col', class: 'number' }, 'hardness') : null,
            this.name ? labels.map((label) => element('th', { scope: 'col', class: 'number' }, label)) : null)), body)), more));
  }

  listRow(number, order) {
    const clip = clipOf(this.table, number);
    const hard = this.hardness[number];
    const column = this.name ? this.column(this.name) : null;
    const crossed = clip.source !== clip.name;
    const cells = this.name ? this.values.map((values, index) => element('td', { class: 'number heat' },
      this.heat(values[number], this.ranges[index], column.better), element('span', { class: 'value' }, numberText(values[number], column)))) : [];
    return element('tr', { onclick: (event) => { if (!event.target.closest('button')) this.open(number, order); } },
      element('th', { scope: 'row' }, element('button', { type: 'button', class: 'clip-link', 'aria-label': `Play ${clip.name}`,
        onclick: () => this.open(number, order) }, this.thumbnail(clip), element('span', {}, clip.name,
        crossed ? element('span', { class: 'muted source-name' }, `moves ${clip.source}`) : null))),
      this.name ? element('td', { class: 'number' }, hard === null ? '–' : hard.toFixed(2)) : null, cells);
  }

  /** A bar of how bad a value is among the model's clips. */
  heat(value, [least, most], better) {
    if (value === null) return null;
    const share = most > least ? (value - least) / (most - least) : 0;
    const bar = element('span', { class: 'heat-bar', 'aria-hidden': 'true' });
    bar.style.setProperty('--share', (better === 'lower' ? share : 1 - share).toFixed(3));
    return bar;
  }
}
