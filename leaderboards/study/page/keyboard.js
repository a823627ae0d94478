// Keys to answers: 1 to 4, and of two the arrows left and right; space replays.

const ARROWS = ["ArrowLeft", "ArrowRight"];

// The places that keys stand for, and how each is shown on the page.
export const keysOf = (place, count) => (count === 2 ? [`${place + 1}`, "←→"[place]] : [`${place + 1}`]);

export function onKeys(count, choose, replay) {
  document.addEventListener("keydown", (event) => {
    if (event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    // On the slider arrows move it, and on a button space presses it.
    const inSlider = event.target instanceof HTMLInputElement;
    const inButton = event.target instanceof HTMLButtonElement;
    const arrow = count() === 2 && !inSlider ? ARROWS.indexOf(event.key) : -1;
    const place = arrow < 0 && /^[1-9]$/.test(event.key) ? event.key - 1 : arrow;
    if (place >= 0 && place < count()) {
      event.preventDefault();
      choose(place);
    } else if (event.key === " " && !inButton) {
      event.preventDefault();
      replay();
    }
  });
}
