// Where this tab is: who one is, what one looks at. It outlives a reload and is not shared with other tabs.
import { changed, store } from "./store.js";

const kept = "playground";

export const ui = { member: "", channel: "", thread: "", view: "channel", pane: "slack", tab: "path", customer: "", customers: [], page: "orders", tour: null };

export function begin() {
  try {
    Object.assign(ui, JSON.parse(sessionStorage.getItem(kept) ?? "{}"));
  } catch { /* an older page's: begin anew */ }
  ui.member ||= store.config.member;
  ui.channel ||= store.config.channel;
}

// go changes where one is.
export function go(where) {
  Object.assign(ui, where);
  sessionStorage.setItem(kept, JSON.stringify(ui));
  changed("ui");
}

// say tells those who do not see the page, or do not look, what happened.
export function say(text, problem = false) {
  const said = document.getElementById("said");
  said.textContent = text;
  said.classList.toggle("problem", problem);
  said.classList.toggle("unseen", !problem);
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { said.textContent = ""; said.classList.add("unseen"); }, 6000);
}

// attempt runs what may fail and tells when it did.
export async function attempt(work) {
  try {
    return await work();
  } catch (err) {
    say(String(err.message ?? err), true);
    return undefined;
  }
}
