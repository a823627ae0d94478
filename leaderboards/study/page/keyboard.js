// Keys to answers: 1 or left arrow, 2 or right arrow; space replays.

const SIDES = { 1: "left", ArrowLeft: "left", 2: "right", ArrowRight: "right" };

export function onKeys(choose, replay) {
  document.addEventListener("keydown", (event) => {
    if (event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    // On the slider arrows move it, and on a button space presses it.
    const inSlider = event.target instanceof HTMLInputElement;
    const inButton = event.target instanceof HTMLButtonElement;
    if (event.key in SIDES && !(inSlider && event.key.startsWith("Arrow"))) {
      event.preventDefault();
      choose(SIDES[event.key]);
    } else if (event.key === " " && !inButton) {
      event.preventDefault();
      replay();
    }
  });
}
