// The buttons above a composer.
import { memberName } from "../blockkit/inline.js";
import { h, icon } from "../dom.js";
import { store } from "../store.js";
import { t } from "../text/text.js";

// toolbar makes the one of a composer; draw shows which buttons are on.
export function toolbar(box) {
  const tool = (name, key, use) => h("button", { type: "button", title: t(key), "aria-label": t(key), "aria-pressed": "false", data: { tool: name }, on: { pointerdown: (e) => e.preventDefault(), click: use } }, icon(name === "inline-code" ? "code" : name, 15));
  const line = () => h("span", { class: "c-line" });
  const node = h("div", { class: "c-tools", role: "toolbar", "aria-label": t("slack.formatting") },
    tool("bold", "slack.bold", () => box.style("bold")), tool("italic", "slack.italic", () => box.style("italic")), tool("strike", "slack.strike", () => box.style("strike")),
    line(), tool("ordered", "slack.ordered", () => box.toggleKind("ordered")), tool("bullet", "slack.bullet", () => box.toggleKind("bullet")), tool("quote", "slack.quote", () => box.toggleKind("quote")),
    line(), tool("inline-code", "slack.code", () => box.style("code")), tool("codeblock", "slack.code_block", () => box.toggleKind("code")),
    line(), mentions(box));
  return { node, draw: () => {
    const on = box.pressed();
    for (const button of node.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", String(on.has(button.dataset.tool)));
  } };
}

function mentions(box) {
  const list = h("div", { class: "b-menu up" });
  const people = () => [...store.slack.members.values()].filter((m) => !m.bot).map((m) => h("button", { type: "button", text: memberName(m.id), on: { click: () => { node.open = false; box.insert(`<@${m.id}>`); } } }));
  const node = h("details", { class: "b-overflow", on: { toggle: () => node.open && list.replaceChildren(...people()) } }, h("summary", { "aria-label": t("slack.mention"), title: t("slack.mention") }, icon("at", 15)), list);
  return node;
}
