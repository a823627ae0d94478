// One question on the page: its videos, and the moment when it may be answered.

import { Together } from "./together.js";

const FADE = 250; // milliseconds for which a choice is seen

const at = (id) => document.getElementById(id);
const position = at("position");
const choices = [...document.querySelectorAll(".choice")];
const together = new Together([at("left"), at("right"), at("driving")], (part) => {
  position.value = Math.round(part * 1000);
});

let shown; // the question's id, once it may be answered
let since = 0;
let loading = new AbortController();

export async function show(question) {
  close();
  loading.abort();
  loading = new AbortController();
  at("source").src = question.source;
  await together.load([question.left, question.right, question.driving], loading.signal);
  together.playFromStart();
  shown = question.id;
  since = performance.now();
  for (const control of [...choices, at("replay"), position]) control.disabled = false;
}

// The choice, once for each question: nothing before all videos are there, and nothing after a choice.
export function take(side) {
  if (shown === undefined) return undefined;
  const taken = { question: shown, side, milliseconds: Math.round(performance.now() - since) };
  close();
  choices.find((button) => button.dataset.side === side).classList.add("chosen");
  return taken;
}

export const seen = () => new Promise((resolve) => setTimeout(resolve, FADE));

export function replay() {
  if (shown !== undefined) together.playFromStart();
}

export function close() {
  shown = undefined;
  for (const control of [...choices, at("replay"), position]) control.disabled = true;
  for (const button of choices) button.classList.remove("chosen");
}

export function leave() {
  close();
  together.stop();
}

// Ask for the next question's files now, so that it is there at once.
export function prepare(question) {
  for (const address of [question.source, question.driving, question.left, question.right]) {
    fetch(address).then((response) => response.blob()).catch(() => {});
  }
}

export function onControls(choose) {
  for (const button of choices) button.addEventListener("click", () => choose(button.dataset.side));
  at("replay").addEventListener("click", replay);
  position.addEventListener("input", () => together.show(position.value / 1000));
  // After a drag arrows answer again; from the keyboard they go on moving the slider.
  position.addEventListener("pointerup", () => position.blur());
}
