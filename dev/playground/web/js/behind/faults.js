// The switches that break things. What is on is what the stand-ins and the services say.
import { flushRedis, karte, order, slack } from "../api.js";
import { fill, h, icon, keyed } from "../dom.js";
import { store } from "../store.js";
import { lang, t } from "../text/text.js";
import { attempt } from "../ui.js";
import { restoring } from "./restore.js";

const second = 1e9;

export const slackFaults = {
  limited: { kind: "rate_limited", retry_after: 2 }, broken: { kind: "status", status: 500 }, swallowed: { kind: "accept_then_cut", method: "chat.postMessage" }, slow: { kind: "delay", delay: 2 * second }, down: { kind: "cut" },
};
export const karteFaults = { down: { kind: "cut" }, broken: { kind: "status", status: 503 }, slow: { kind: "delay", delay: 2 * second } };

const isOn = (fault, on) => on.some((f) => f.kind === fault.kind && (f.method ?? "") === (fault.method ?? ""));

// turn makes a fault of one side the only one, or ends it when name is "normal".
export async function turn(side, name) {
  const [ask, all] = side === "slack" ? [slack, slackFaults] : [karte, karteFaults];
  await ask("faults", undefined, "DELETE");
  if (name !== "normal") await ask("faults", all[name]);
}

export function faultsTab() {
  const node = h("div", { class: "f-panel" });
  const sides = { slack: h("fieldset", { class: "f-side" }), karte: h("fieldset", { class: "f-side" }) };
  const services = h("div", { class: "f-services" });
  const about = h("p", { class: "quiet" });
  const redis = h("div", { class: "row" });
  const titles = [h("h3"), h("h3")];
  const state = h("p", { class: "f-state" });
  fill(node, state, sides.slack, sides.karte, titles[0], about, services, titles[1], redis);
  return { node, draw: () => {
    drawState(state);
    drawSide(sides.slack, "slack", slackFaults, store.slack.faults);
    drawSide(sides.karte, "karte", karteFaults, store.karte.faults);
    titles[0].textContent = t("fault.services");
    about.textContent = t(store.config.processes ? "service.about" : "service.about_shared");
    titles[1].textContent = "Redis";
    keyed(services, store.system.services, (s) => s.name, (s) => JSON.stringify(s) + lang, service);
    if (redis.dataset.sign !== lang) {
      redis.dataset.sign = lang;
      fill(redis, h("button", { type: "button", class: "b-button danger small", text: "FLUSHALL", on: { click: () => attempt(flushRedis) } }), h("button", { type: "button", class: "b-button small", text: t("redis.flush_restore"), on: { click: () => attempt(() => restoring(flushRedis)) } }));
    }
  } };
}

function drawState(node) {
  const waiting = store.system.lanes.reduce((n, l) => n + l.pending + l.in_flight, 0) + (store.system.streams.find((s) => s.name === "SENDS")?.waiting ?? 0) + (store.system.streams.find((s) => s.name === "HELD")?.messages ?? 0) + store.karte.waiting + store.slack.pending;
  const broken = store.slack.faults.length + store.karte.faults.length + store.system.services.filter((s) => !s.ready).length;
  const dead = store.system.streams.find((s) => s.name === "DEAD")?.messages ?? 0;
  const text = t(broken ? "fault.state_broken" : waiting ? "fault.state_catching" : "fault.state_fine");
  const sign = JSON.stringify([text, waiting, dead]);
  if (node.dataset.sign === sign) return;
  node.dataset.sign = sign;
  node.className = `f-state ${broken ? "bad" : waiting ? "wait" : "good"}`;
  fill(node, h("strong", { text }), h("span", { text: t("fault.numbers", { waiting, dead }) }));
}

function drawSide(node, side, all, on) {
  const now = Object.keys(all).find((name) => isOn(all[name], on)) ?? (on.length ? "other" : "normal");
  const sign = lang + now;
  if (node.dataset.sign === sign) return;
  const focused = node.contains(document.activeElement);
  node.dataset.sign = sign;
  fill(node, h("legend", { text: side === "slack" ? "Slack" : "KARTE" }), h("div", { class: "f-choices" }, ["normal", ...Object.keys(all)].map((name) => h("label", { class: `f-choice ${name === now ? "on" : ""} ${name}` },
    h("input", { type: "radio", name: `fault-${side}`, value: name, checked: name === now, on: { change: () => attempt(() => turn(side, name)) } }), h("span", { text: t(`fault.${side}_${name}`) })))));
  if (focused) node.querySelector("input:checked")?.focus();
}

function service(s) {
  const state = s.ready ? "up" : s.running ? "starting" : "down";
  const button = (name, what, more = "") => h("button", { type: "button", class: `b-button small${more}`, "aria-label": `${t(`service.${what}`)}: ${s.name}`, title: t(`service.${what}_is`), data: { order: `${what} ${s.name}` }, on: { click: () => attempt(() => order(s.name, what)) } }, icon(name, 12), t(`service.${what}`));
  return h("div", { class: `f-service ${state}` }, h("div", { class: "f-about" }, h("span", { class: "p-dot" }), h("strong", { text: s.name }), h("span", { class: "quiet", text: said(s, state), title: s.problem })),
    h("div", { class: "f-orders" }, s.running ? [button("restart", "restart"), button("stop", "stop"), store.config.processes && button("bolt", "kill", " danger")] : button("play", "start")));
}

function said(s, state) {
  if (state === "down") return t(["stopped", "killed"].includes(s.ended) ? `service.${s.ended}` : "service.ended");
  return s.pid ? t("service.as_process", { state: t(`service.${state}`), pid: s.pid }) : t(`service.${state}`);
}
