// Block Kit, as nodes: any block that an app may send, whoever it comes from.
//
// A surface says where the blocks are: {me, act(element, block, picked), suggest(element, block, typed), values, errors}.
import { h } from "../dom.js";
import { element } from "./elements.js";
import { pictureSource } from "./inline.js";
import { textObject } from "./mrkdwn.js";
import { richText } from "./richtext.js";
import { t } from "../text/text.js";

export const blocks = (list, surface) => h("div", { class: "blocks" }, (list ?? []).map((block) => one(block, surface)));

function one(block, surface) {
  const make = kinds[block.type];
  const node = make ? make(block, surface) : h("div", { class: "unknown-block", text: t("slack.unknown_block", { type: block.type }) });
  node.dataset.block = block.type;
  return node;
}

const kinds = {
  rich_text: (b, s) => richText(b, s.me),
  section: (b, s) => h("div", { class: `b-section${b.accessory ? " with-accessory" : ""}` },
    h("div", { class: "b-body" },
      b.text && h("div", { class: "b-text" }, textObject(b.text, s.me)),
      b.fields?.length > 0 && h("div", { class: "b-fields" }, b.fields.map((f) => h("div", { class: "b-field" }, textObject(f, s.me))))),
    b.accessory && h("div", { class: "b-accessory" }, element(b.accessory, b, s))),
  header: (b, s) => h("div", { class: "b-header", role: "heading", "aria-level": 4 }, textObject(b.text, s.me)),
  context: (b, s) => h("div", { class: "b-context" }, (b.elements ?? []).map((el) => (el.type === "image" ? picture(el, "b-icon") : h("span", {}, textObject(el, s.me))))),
  actions: (b, s) => h("div", { class: "b-actions" }, (b.elements ?? []).map((el) => element(el, b, s))),
  context_actions: (b, s) => h("div", { class: "b-actions" }, (b.elements ?? []).map((el) => element(el, b, s))),
  divider: () => h("hr"),
  image: (b, s) => h("figure", { class: "b-image" }, b.title && h("figcaption", {}, textObject(b.title, s.me)), picture(b, "")),
  markdown: (b, s) => h("div", { class: "b-text" }, textObject({ type: "mrkdwn", text: b.text }, s.me)),
  video: (b, s) => h("div", { class: "b-text" }, textObject(b.title, s.me)),
  file: (b) => h("div", { class: "b-text", text: b.external_id }),
  input: (b, s) => input(b, s),
  table: (b, s) => h("table", { class: "b-table" }, (b.rows ?? []).map((row) => h("tr", {}, row.map((cell) => h("td", {}, cell.type === "rich_text" ? richText(cell, s.me) : cell.text))))),
};

let serial = 0;

function input(block, surface) {
  const id = `input-${++serial}`;
  const problem = surface.errors?.[block.block_id];
  const grouped = ["checkboxes", "radio_buttons"].includes(block.element?.type);
  return h(grouped ? "fieldset" : "div", { class: `b-input${problem ? " bad" : ""}` },
    h(grouped ? "legend" : "label", { for: grouped ? null : id }, textObject(block.label, surface.me), block.optional && h("span", { class: "optional", text: ` ${t("slack.optional")}` })),
    element(block.element, block, surface, id),
    problem && h("p", { class: "b-problem", role: "alert", text: problem }),
    block.hint && h("p", { class: "b-hint" }, textObject(block.hint, surface.me)));
}

function picture(image, kind) {
  const source = pictureSource(image.image_url);
  if (source) return h("img", { class: kind || "b-picture", src: source, alt: image.alt_text ?? "", loading: "lazy" });
  return h("span", { class: kind ? "b-icon none" : "b-picture none", role: "img", "aria-label": image.alt_text ?? "", title: image.image_url ?? "", text: kind ? "" : image.alt_text ?? "" });
}
