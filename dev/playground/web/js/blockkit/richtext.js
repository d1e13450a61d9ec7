// rich_text blocks, as nodes.
import { h } from "../dom.js";
import { broadcast, channelMention, date, emoji, groupMention, link, userMention } from "./inline.js";

const kinds = {
  rich_text_section: (el, me) => h("div", { class: "section" }, inlines(el.elements, me)),
  rich_text_quote: (el, me) => h("blockquote", {}, inlines(el.elements, me)),
  rich_text_preformatted: (el, me) => h("pre", { class: "code", tabindex: 0 }, inlines(el.elements, me)),
  rich_text_list: (el, me) => h(el.style === "ordered" ? "ol" : "ul", { class: `indent-${Math.min(el.indent ?? 0, 5)}`, start: el.offset ? el.offset + 1 : null },
    (el.elements ?? []).map((item) => h("li", {}, inlines(item.elements, me)))),
};

export const richText = (block, me) => h("div", { class: "rich-text" }, (block.elements ?? []).map((el) => kinds[el.type]?.(el, me)));

function inlines(elements, me) {
  return (elements ?? []).map((el) => styled(one(el, me), el.style ?? {}));
}

function one(el, me) {
  switch (el.type) {
    case "text": return document.createTextNode(el.text ?? "");
    case "emoji": return emoji(el.name, el.unicode);
    case "link": return link(el.url ?? "", el.text);
    case "user": return userMention(el.user_id, me);
    case "channel": return channelMention(el.channel_id);
    case "usergroup": return groupMention(el.usergroup_id, me);
    case "broadcast": return broadcast(el.range);
    case "date": return h("time", { text: date(el.timestamp, el.format, el.fallback) });
    case "color": return h("code", { text: el.value });
    default: return document.createTextNode(el.text ?? "");
  }
}

function styled(node, style) {
  if (style.code) node = h("code", {}, node);
  if (style.bold) node = h("strong", {}, node);
  if (style.italic) node = h("em", {}, node);
  if (style.strike) node = h("s", {}, node);
  return node;
}
