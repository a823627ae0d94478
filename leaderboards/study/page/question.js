// One trial on the page: its videos, and the moments when a question about them may be answered.

import { keysOf } from "./keyboard.js";
import { Together } from "./together.js";

const FADE = 250; // milliseconds for which a choice is seen
const SIDES = ["Left", "Right"];

const at = (id) => document.getElementById(id);
const position = at("position");
const together = new Together((part) => {
  position.value = Math.round(part * 1000);
});

let choices = []; // the buttons, in the order of their places
let choosing; // what to do with a choice
let loaded; // the id of the trial whose videos are there
let shown; // the trial and the question, once it may be answered
let since = 0;
let loading = new AbortController();

export const count = () => choices.length;

export async function show(trial) {
  close();
  if (trial.id !== loaded) await load(trial);
  shown = { trial: trial.id, question: trial.question };
  since = performance.now();
  for (const control of [...choices, at("replay"), position]) control.disabled = false;
}

async function load(trial) {
  loaded = undefined;
  loading.abort();
  loading = new AbortController();
  together.stop();
  lay(trial.candidates.length);
  at("source").src = trial.source;
  const videos = [...at("candidates").querySelectorAll("video"), at("driving")];
  await together.load(videos, [...trial.candidates, trial.driving], loading.signal);
  loaded = trial.id;
  together.playFromStart();
}

// Places for so many videos, with what chooses them.
function lay(number) {
  if (choices.length === number) return;
  const ground = at("candidates");
  ground.replaceChildren();
  ground.dataset.count = number;
  for (let place = 0; place < number; place += 1) {
    const candidate = at("candidate").content.cloneNode(true);
    const [name, keys] = candidate.querySelectorAll("span");
    const video = number === 2 ? `${SIDES[place]} video` : `Video ${place + 1}`;
    candidate.querySelector("video").setAttribute("aria-label", video);
    name.textContent = number === 2 ? `${SIDES[place]} is better` : `${place + 1} is best`;
    for (const key of keysOf(place, number)) keys.appendChild(document.createElement("kbd")).textContent = key;
    candidate.querySelector("button").addEventListener("click", () => choosing(place));
    ground.append(candidate);
  }
  choices = [...ground.querySelectorAll("button")];
}

// The choice, once for each question: nothing before all videos are there, and nothing after a choice.
export function take(place) {
  if (shown === undefined) return undefined;
  const taken = { ...shown, place, milliseconds: Math.round(performance.now() - since) };
  close();
  choices[place].classList.add("chosen");
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

// Ask for the next trial's files now, so that it is there at once.
export function prepare(trial) {
  for (const address of [trial.source, trial.driving, ...trial.candidates]) {
    fetch(address).then((response) => response.blob()).catch(() => {});
  }
}

export function onControls(choose) {
  choosing = choose;
  at("replay").addEventListener("click", replay);
  position.addEventListener("input", () => together.show(position.value / 1000));
  // After a drag arrows answer again; from the keyboard they go on moving the slider.
  position.addEventListener("pointerup", () => position.blur());
}
