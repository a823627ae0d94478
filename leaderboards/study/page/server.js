// What the page asks the server. Every call gives the new state: what is asked, and which trials come next.

export class Unanswered extends Error {}

export const state = () => call("/api/state");
export const begin = () => call("/api/raters", {});
export const answer = (taken) => call("/api/answers", taken);

async function call(address, content) {
  const sending = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) };
  let response;
  try {
    response = await fetch(address, content === undefined ? {} : sending);
  } catch {
    throw new Unanswered("The server cannot be reached.");
  }
  // Answered in another window, perhaps otherwise: what is kept stays, and the state says where to go on.
  if (response.status === 409) return state();
  if (!response.ok) throw new Unanswered(`The server refused (${response.status}).`);
  return response.json();
}
