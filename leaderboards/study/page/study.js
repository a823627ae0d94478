// The course of a study: welcome, questions, thanks. The server knows where a rater is, so that a reload goes on there.

import { onKeys } from "./keyboard.js";
import * as question from "./question.js";
import * as server from "./server.js";

const NUMBERS = { 2: "two", 3: "three", 4: "four" };
const NOTICE = 1000; // milliseconds for which another question stands out

const at = (id) => document.getElementById(id);
const all = (selector) => document.querySelectorAll(selector);

function turnTo(page) {
  for (const main of all("main")) {
    if (main.id === page && main.hidden) scrollTo(0, 0);
    main.hidden = main.id !== page;
  }
}

function speak(text) {
  at("spoken").textContent = text;
}

function welcome(state) {
  for (const element of all(".candidates-count")) element.textContent = NUMBERS[state.candidates];
  at("questions").replaceChildren(...state.questions.map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));
  // They are what one question about the whole comes to; several say themselves what to look at.
  at("hints").hidden = state.questions.length > 1;
  document.title = state.questions[0];
}

async function go(state) {
  for (const element of all(".total")) element.textContent = state.total;
  if (!state.begun) {
    welcome(state);
    turnTo("welcome");
  } else if (state.upcoming.length === 0) {
    question.leave();
    turnTo("thanks");
    document.querySelector("#thanks h1").focus();
  } else {
    const [present, next] = state.upcoming;
    const asked = state.questions[present.question];
    document.title = asked;
    document.querySelector("#task .number").textContent = state.answered + 1;
    Object.assign(at("progress"), { max: state.total, value: state.answered });
    turnTo("task");
    // The same videos may stay for it, and only the words change.
    if (!["", asked].includes(at("asked").textContent)) at("asked").animate({ background: ["Highlight", "transparent"] }, NOTICE);
    at("asked").textContent = asked;
    await question.show(present);
    // Nothing keeps the focus of the last question: space would press its button again.
    at("asked").focus({ preventScroll: true });
    speak(`Question ${state.answered + 1} of ${state.total}. ${asked}`);
    if (next) question.prepare(next);
  }
}

// Do something that may fail on the way; the same again is always safe, since the server keeps an answer once.
async function attempt(act) {
  at("trouble").hidden = true;
  try {
    await act();
  } catch (error) {
    at("trouble").hidden = false;
    at("trouble").querySelector("p").textContent = error.message;
    at("trouble").querySelector("button").onclick = () => attempt(act);
  }
}

function choose(place) {
  const taken = question.take(place);
  if (taken === undefined) return;
  const faded = question.seen();
  attempt(async () => {
    const state = await server.answer(taken);
    await faded;
    await go(state);
  });
}

question.onControls(choose);
onKeys(question.count, choose, question.replay);
// Once: a double click would begin as two raters, and ask the questions of one in the name of the other.
at("begin").addEventListener("click", () => attempt(async () => go(await server.begin())), { once: true });
attempt(async () => go(await server.state()));
