// The way of the messages of the customer one looks at, from the real API, asked for again whenever something moves.
import { conversations } from "../api.js";
import { apiConversation, current } from "../shop/customers.js";
import { changed, on, store } from "../store.js";
import { ui } from "../ui.js";

export const traces = { conversation: null, messages: [] };

let timer = 0;
let busy = false;
let again = false;
const soon = 120;

export function follow() {
  on(["wire", "karte", "ui", "connected"], () => { if (!timer) timer = setTimeout(look, soon); });
  look();
}

async function look() {
  timer = 0;
  if (busy) { again = true; return; }
  busy = true;
  try {
    const project = `projects/${store.config.project}`;
    store.conversations = (await conversations("ListConversations", { parent: project, page_size: 200 })).conversations;
    const followed = apiConversation(current());
    traces.conversation = followed ?? null;
    traces.messages = followed && ui.tab === "path" ? (await conversations("TraceConversation", { name: followed.name, page_size: 12 })).messages : [];
  } catch { /* the router is away: what it said last stays */ }
  busy = false;
  changed("traces");
  if (again) { again = false; timer = setTimeout(look, soon); }
}

