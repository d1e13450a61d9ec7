// What waits: lanes, streams, dead letters.
import { deadLetters } from "../api.js";
import { memberName } from "../blockkit/inline.js";
import { fill, h, keyed } from "../dom.js";
import { changed, store } from "../store.js";
import { exact, lang, t } from "../text/text.js";
import { attempt } from "../ui.js";

const letters = { count: -1, list: [] };

export function queuesTab() {
  const lanes = h("div", { class: "q-lanes" });
  const streams = h("tbody");
  const dead = h("div", { class: "q-dead" });
  const titles = [h("h3"), h("h3"), h("h3")];
  const heads = h("tr");
  const node = h("div", {}, titles[0], lanes, titles[1], h("table", { class: "q-table" }, h("thead", {}, heads), streams), titles[2], dead);
  return { node, draw: () => {
    ["queue.lanes", "queue.streams", "queue.dead"].forEach((key, i) => { titles[i].textContent = t(key); });
    fill(heads, ["queue.stream", "queue.messages", "queue.waiting"].map((key) => h("th", { scope: "col", text: t(key) })));
    keyed(lanes, store.system.lanes, (l) => l.name, (l) => JSON.stringify(l) + lang, lane);
    keyed(streams, store.system.streams, (s) => s.name, (s) => JSON.stringify(s) + lang, (s) => h("tr", { class: s.waiting ? "busy" : null }, h("th", { scope: "row", title: s.description, text: s.name }), h("td", { text: s.messages.toLocaleString(lang) }), h("td", { text: s.name.startsWith("KV_") ? "" : s.waiting.toLocaleString(lang) })));
    lookAtDead();
    drawDead(dead);
  } };
}

// laneName names a lane by its channel, or by the member who is told something directly.
const laneName = (id) => (store.slack.members.has(id) ? `@${memberName(id)}` : `#${store.slack.channels.get(id)?.name ?? id}`);

function lane(l) {
  const waiting = l.pending + l.in_flight;
  const pace = l.kind === "post" ? t("queue.pace", { ms: store.config.pace_ms }) : t("queue.no_pace");
  return h("div", { class: `q-lane${waiting ? " busy" : ""}${l.parked ? " parked" : ""}` },
    h("div", {}, h("strong", { text: laneName(l.channel) }), h("span", { class: "quiet", text: ` ${t(`queue.${l.kind}`)} · ${pace}` })),
    h("div", { class: "q-numbers" }, h("span", { class: "q-backlog", data: { backlog: waiting }, text: t("queue.backlog", { n: waiting }) }), l.redelivered > 0 && h("span", { class: "quiet", text: t("queue.again", { n: l.redelivered }) }), l.parked && h("span", { class: "badge warn", text: t("queue.parked") })),
    h("meter", { min: 0, max: Math.max(waiting, 10), value: waiting, "aria-label": t("queue.backlog", { n: waiting }) }));
}

// lookAtDead asks for the letters when their number changed.
async function lookAtDead() {
  const count = store.system.streams.find((s) => s.name === "DEAD")?.messages ?? 0;
  if (count === letters.count) return;
  letters.count = count;
  try {
    letters.list = count ? (await deadLetters("ListDeadLetters", { parent: "projects/-", page_size: 50 })).dead_letters : [];
  } catch {
    letters.count = -1;
  }
  changed("dead");
}

function drawDead(node) {
  if (!letters.list.length) { if (!node.querySelector(".q-none")) fill(node, h("p", { class: "quiet q-none" })); node.firstChild.textContent = t("queue.none_dead"); return; }
  if (node.querySelector(".q-none")) fill(node);
  keyed(node, letters.list, (l) => l.name, (l) => l.name + lang, (l) => h("div", { class: "q-letter" },
    h("div", {}, h("strong", { text: `${l.stream} · ${l.kind}` }), h("span", { class: "quiet", text: ` ${exact(new Date(l.die_time))}` })), h("p", { text: l.cause || l.reason }),
    h("div", { class: "row" }, h("button", { type: "button", class: "b-button small", text: t("queue.replay"), on: { click: () => attempt(() => deadLetters("ReplayDeadLetter", { name: l.name })) } }), h("button", { type: "button", class: "b-button small", text: t("queue.discard"), on: { click: () => attempt(() => deadLetters("DiscardDeadLetter", { name: l.name })) } }))));
}
