// KARTE's own console: what colleagues do there who do not use Slack.
import { karte } from "../api.js";
import { fill, h } from "../dom.js";
import { customerConversation } from "../store.js";
import { lang, t } from "../text/text.js";
import { attempt } from "../ui.js";
import { current, identity } from "./customers.js";
import { operators } from "./pane.js";

export function consoleBox() {
  const node = h("details", { class: "console" });
  let drawn = "";
  const draw = () => {
    const customer = current();
    const sign = JSON.stringify([lang, customer, customerConversation(customer)?.assignee?.id]);
    if (sign === drawn) return;
    drawn = sign;
    const assignee = customerConversation(customer)?.assignee?.id ?? "";
    const assign = h("select", { id: "assignee", on: { change: () => attempt(() => karte("assign", { customer: identity(customer), operator: assign.value })) } },
      h("option", { value: "", text: t("console.nobody"), selected: !assignee }), operators.map((o) => h("option", { value: o.id, text: o.name, selected: o.id === assignee })));
    const text = h("input", { type: "text", id: "console-text", autocomplete: "off", placeholder: t("console.write") });
    const write = (note) => () => {
      if (!text.value.trim()) return;
      attempt(() => karte("operator-writes", { customer: identity(customer), operator: operators[1].id, text: text.value, note }));
      text.value = "";
    };
    fill(node, h("summary", { text: t("console.title") }),
      h("p", { class: "quiet", text: t("console.about", { name: operators[1].name }) }),
      h("div", { class: "row" }, h("label", { for: "assignee", text: t("console.assignee") }), assign),
      h("div", { class: "row" }, h("label", { class: "unseen", for: "console-text", text: t("console.write") }), text),
      h("div", { class: "row" }, h("button", { type: "button", class: "b-button small", text: t("console.send"), on: { click: write(false) } }), h("button", { type: "button", class: "b-button small", text: t("console.note"), on: { click: write(true) } })));
  };
  return { node, draw };
}
