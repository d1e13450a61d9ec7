// The modal that a member sees in this client, if any: the one on top.
import { blocks } from "../blockkit/blocks.js";
import { colons } from "../blockkit/mrkdwn.js";
import { fill, h, icon } from "../dom.js";
import { on, store } from "../store.js";
import { t } from "../text/text.js";
import { ui } from "../ui.js";
import { client, closeView, submit, surface } from "./act.js";

// filled holds what was filled in, by view: it stays when the app changes the view.
const filled = new Map();
const problems = new Map();

export function mountModal() {
  const dialog = h("dialog", { class: "modal", "aria-labelledby": "modal-title", on: { cancel: (e) => { e.preventDefault(); const top = shown(); if (top) closeView(top.id); } } });
  document.body.append(dialog);
  let drawn = "";
  const draw = () => {
    const top = shown();
    const sign = top ? `${top.id} ${top.hash} ${JSON.stringify(problems.get(top.id) ?? {})}` : "";
    if (sign === drawn) return;
    drawn = sign;
    if (!top) { dialog.close(); dialog.replaceChildren(); return; }
    const before = dialog.open && dialog.dataset.view === top.id ? placeOf(document.activeElement) : "";
    fill(dialog, content(top, draw));
    dialog.dataset.view = top.id;
    if (!dialog.open) dialog.showModal();
    dialog.classList.add("settling"); // nobody has asked for a menu yet
    first(dialog, before)?.focus({ preventScroll: Boolean(before) });
    dialog.classList.remove("settling");
    dialog.querySelector(".b-problem")?.scrollIntoView({ block: "center" });
  };
  on(["slack", "ui"], draw);
  draw();
}

const shown = () => store.slack.views.filter((v) => v.user === ui.member && (!v.client || v.client === client) && v.body.type === "modal").at(-1);

const inputs = "input, select, textarea";

// placeOf names the input in which somebody is, for when the modal is drawn anew.
const placeOf = (el) => el?.closest?.(".modal-body") && el.closest("[data-action]")?.dataset.action || "";

// first answers what has the focus: what was wrong, where somebody was, else as in Slack the first input, else the button that goes on. Never the cross.
function first(dialog, before) {
  const body = dialog.querySelector(".modal-body");
  const wrong = body.querySelector(".b-problem")?.closest(".b-input")?.querySelector(inputs);
  const same = before && [...body.querySelectorAll("[data-action]")].find((el) => el.dataset.action === before);
  const there = same && (same.matches(inputs) ? same : same.querySelector(inputs) ?? same);
  return wrong || there || body.querySelector(inputs) || dialog.querySelector("footer [type=submit]") || dialog.querySelector("footer button");
}

function content(view, draw) {
  const values = filled.get(view.id) ?? {};
  filled.set(view.id, values);
  const body = view.body;
  const s = surface({ view_id: view.id }, values, problems.get(view.id));
  const send = async (e) => {
    e.preventDefault();
    const missing = required(body.blocks, values);
    const answer = Object.keys(missing).length ? { response_action: "errors", errors: missing } : await submit(view.id, state(body.blocks, values));
    problems.set(view.id, answer?.response_action === "errors" ? answer.errors : {});
    draw();
  };
  return h("form", { on: { submit: send }, novalidate: true },
    h("header", {},
      body.previous_view_id && h("button", { type: "button", class: "plain", "aria-label": t("slack.back"), on: { click: () => closeView(view.id) } }, icon("back")),
      h("h2", { id: "modal-title" }, colons(body.title?.text ?? "")),
      h("button", { type: "button", class: "plain", "aria-label": t("close"), on: { click: () => closeView(view.id, true) } }, icon("close"))),
    h("div", { class: "modal-body", tabindex: 0, role: "region", "aria-labelledby": "modal-title" }, blocks(body.blocks, s)),
    h("footer", {},
      h("button", { type: "button", class: "b-button", on: { click: () => closeView(view.id) } }, colons(body.close?.text ?? t("cancel"))),
      body.submit && h("button", { type: "submit", class: "b-button primary solid" }, colons(body.submit.text))));
}

// required tells which inputs are empty, as Slack does before it asks the app.
function required(list, values) {
  const missing = {};
  for (const b of list ?? []) {
    if (b.type !== "input" || b.optional) continue;
    const value = values[b.block_id]?.[b.element?.action_id] ?? {};
    const some = Object.entries(value).some(([name, v]) => name !== "type" && v !== null && v !== undefined && v !== "" && !(Array.isArray(v) && v.length === 0));
    if (!some) missing[b.block_id] = t("slack.required");
  }
  return missing;
}

// state is what is held by the elements that are in the view now.
function state(list, values) {
  const out = {};
  for (const b of list ?? []) {
    for (const el of [b.element, b.accessory, ...(b.type === "actions" ? b.elements ?? [] : [])]) {
      const value = el && el.type !== "button" && values[b.block_id]?.[el.action_id];
      if (value) (out[b.block_id] ??= {})[el.action_id] = { type: el.type, ...value };
    }
  }
  return out;
}
