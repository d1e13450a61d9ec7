// Messages on their way, hop by hop.
import { fill, h, icon, keyed } from "../dom.js";
import { wire } from "../live.js";
import { store } from "../store.js";
import { lang, t } from "../text/text.js";
import { copyButton } from "./copy.js";
import { curl } from "../api.js";
import { traces } from "./traces.js";

// stations in the order in which a customer's message meets them.
const stations = [
  { id: "karte", name: "KARTE" }, { id: "ingest-karte", service: true }, { id: "TALK", stream: true }, { id: "router", service: true },
  { id: "POSTS", stream: true }, { id: "slack-gateway", service: true }, { id: "slack", name: "Slack" },
];
const firstRow = 4;
const back = [{ id: "SENDS", stream: true }, { id: "SLACK", stream: true }];

export function pathTab() {
  const map = h("div", { class: "p-map" });
  const about = h("p", { class: "p-about quiet" });
  const list = h("div", { class: "p-list" });
  const times = h("p", { class: "p-about quiet" });
  const node = h("div", {}, map, about, list, times);
  let seen = null;
  return { node, draw: () => {
    drawMap(map);
    if (wire[0] && wire[0] !== seen) light(map, wire, seen);
    seen = wire[0] ?? seen;
    about.textContent = traces.conversation ? t("path.following", { id: traces.conversation.user_id || traces.conversation.visitor_id }) : t("path.nothing");
    times.textContent = traces.messages.length ? t("path.times") : "";
    keyed(list, traces.messages, (m) => m.id, (m) => JSON.stringify(m) + lang, card);
  } };
}

function drawMap(map) {
  const services = new Map(store.system.services.map((s) => [s.name, s]));
  const streams = new Map(store.system.streams.map((s) => [s.name, s]));
  const sign = JSON.stringify([lang, [...services.values()], [...stations, ...back].map((s) => [streams.get(s.id)?.waiting, streams.get(s.id)?.messages])]);
  if (map.dataset.sign === sign) return;
  map.dataset.sign = sign;
  const station = (s) => {
    const service = services.get(s.id);
    const state = s.service ? (service?.ready ? "up" : service?.running ? "starting" : "down") : "";
    return h("div", { class: `p-station ${s.stream ? "stream" : s.service ? "service" : "edge"} ${state}`, data: { station: s.id } },
      s.service && h("span", { class: "p-dot", role: "img", "aria-label": t(`service.${state}`) }), h("span", { class: "p-name", text: s.name ?? s.id }),
      s.stream && h("span", { class: "p-depth", title: t("queue.messages"), text: streams.get(s.id)?.waiting ? `⏳${streams.get(s.id).waiting}` : streams.get(s.id)?.messages ?? 0 }));
  };
  fill(map, h("div", { class: "p-row" }, stations.slice(0, firstRow).map(station)), h("div", { class: "p-row on" }, stations.slice(firstRow).map(station)), h("div", { class: "p-row return" }, h("span", { class: "p-return", text: t("path.return") }), back.map(station)));
}

const streamOf = { talk: "TALK", slack: "SLACK", post: "POSTS", mark: "POSTS", send: "SENDS" };
const workers = { TALK: ["karte", "ingest-karte", "TALK", "router"], POSTS: ["router", "POSTS", "slack-gateway", "slack"], SLACK: ["slack", "slack-gateway", "SLACK", "router"], SENDS: ["router", "SENDS", "ingest-karte", "karte"] };

const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

// light lets the stations of what was just published light up.
function light(map, all, seen) {
  const fresh = seen ? all.slice(0, Math.max(all.indexOf(seen), 0)) : all.slice(0, 3);
  for (const station of new Set(fresh.flatMap((w) => workers[streamOf[w.subject.split(".")[0]]] ?? []))) {
    const el = map.querySelector(`[data-station="${station}"]`);
    if (!calm) el?.animate([{ boxShadow: "0 0 0 3px var(--glow)" }, { boxShadow: "0 0 0 0 transparent" }], { duration: 900, easing: "ease-out" });
  }
}

const icons = { "customer-message": "user", "operator-message": "reply", "reply-written": "reply", assigned: "flag" };

// outcome answers the hop that tells how far a message is, and what to think of it.
function outcome(m) {
  const steps = new Set(m.hops.map((hop) => hop.step));
  for (const [step, state] of [["delivered", "good"], ["posted", "good"], ["failed", "bad"], ["given-up", "bad"], ["refused", "good"], ["waiting", "wait"], ["held", "wait"]]) if (steps.has(step)) return [step, state];
  const last = m.hops.at(-1)?.step;
  return [last, ["customer-message", "operator-message", "reply-written"].includes(m.kind) ? "busy" : "good"];
}

// inTime orders hops by their times; those without one stay where they are.
const inTime = (hops) => hops.toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time) || 0);

function card(told) {
  const m = { ...told, hops: inTime(told.hops) };
  const times = m.hops.map((hop) => Date.parse(hop.time));
  const begin = Math.min(...times.filter(Number.isFinite));
  const end = Math.max(...times.filter(Number.isFinite));
  const [last, state] = outcome(m);
  let before = begin;
  const request = { name: traces.conversation?.name, message: m.id };
  return h("details", { class: `p-card ${state}`, open: traces.messages[0]?.id === m.id },
    h("summary", {}, icon(icons[m.kind] ?? "bolt", 14), h("span", { class: "p-kind", text: t(`kind.${m.kind}`) }), h("span", { class: "p-state", text: t(`step.${last}`) }), h("span", { class: "p-total", text: `${end - begin} ms` })),
    h("ol", { class: "p-hops" }, m.hops.map((hop, i) => {
      const took = times[i] - before;
      before = Number.isFinite(times[i]) ? times[i] : before;
      return h("li", { class: `hop-${hop.step}` }, h("span", { class: "p-step", text: t(`step.${hop.step}`) }), h("span", { class: "p-place", text: hop.place, title: hop.detail }), h("span", { class: "p-took", text: i === 0 ? "0 ms" : Number.isFinite(took) ? `${took >= 0 ? "+" : ""}${took} ms` : "" }));
    })),
    h("div", { class: "p-foot" }, copyButton(() => curl("POST", `${location.origin}/api/grpc/slacktalk.admin.v1.ConversationService/TraceConversation`, request))));
}

