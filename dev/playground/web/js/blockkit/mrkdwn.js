// Slack's markup of plain texts, as nodes.
import { h } from "../dom.js";
import { broadcast, channelMention, date, emoji, groupMention, link, userMention } from "./inline.js";

const entities = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };
const plain = (text) => text.replace(/&(?:lt|gt|amp);/g, (e) => entities[e]);

// mrkdwn answers nodes for a text with Slack's escapes.
export function mrkdwn(text, me, verbatim = false) {
  const out = [];
  const fence = /```([\s\S]+?)```/g;
  let at = 0;
  for (const found of text.matchAll(fence)) {
    out.push(...lines(text.slice(at, found.index).replace(/\n$/, ""), me, verbatim));
    out.push(h("pre", { class: "code", tabindex: 0 }, inline(found[1].replace(/^\n|\n$/g, ""), me, "code")));
    at = found.index + found[0].length;
    if (text[at] === "\n") at++;
  }
  return out.concat(lines(text.slice(at), me, verbatim));
}

function lines(text, me, verbatim) {
  const out = [];
  if (!text) return out;
  let quote = null;
  text.split("\n").forEach((line, i) => {
    const quoted = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (quoted) {
      if (quote) quote.append(document.createElement("br"));
      else out.push(quote = h("blockquote"));
      quote.append(...inline(quoted[1], me));
      return;
    }
    if (i > 0 && !quote) out.push(document.createElement("br"));
    quote = null;
    out.push(...inline(line, me, verbatim ? "verbatim" : ""));
  });
  return out;
}

const tokens = /<([^<>]+)>|:([a-z0-9_+'-]+(?:::skin-tone-[2-6])?):|`([^`\n]+)`|(?<![\w*])\*([^*\n]+)\*(?![\w*])|(?<![\w_])_([^_\n]+)_(?![\w_])|(?<![\w~])~([^~\n]+)~(?![\w~])/g;

function inline(text, me, mode = "") {
  const out = [];
  let at = 0;
  for (const found of text.matchAll(tokens)) {
    const [whole, token, name, code, bold, italic, strike] = found;
    if (mode === "code" && !token) continue;
    out.push(plain(text.slice(at, found.index)));
    at = found.index + whole.length;
    if (token) out.push(special(token, me));
    else if (name) out.push(emoji(name));
    else if (code) out.push(h("code", { text: plain(code) }));
    else if (bold) out.push(h("strong", {}, inline(bold, me)));
    else if (italic) out.push(h("em", {}, inline(italic, me)));
    else out.push(h("s", {}, inline(strike, me)));
  }
  out.push(plain(text.slice(at)));
  return out.filter((node) => node !== "");
}

function special(token, me) {
  const bar = token.indexOf("|");
  const name = bar < 0 ? token : token.slice(0, bar);
  const label = bar < 0 ? "" : plain(token.slice(bar + 1));
  if (name[0] === "@") return userMention(name.slice(1), me);
  if (name[0] === "#") return channelMention(name.slice(1));
  if (name.startsWith("!subteam^")) return groupMention(name.slice(9), me);
  if (name.startsWith("!date^")) {
    const [stamp, format] = name.slice(6).split("^");
    return h("time", { text: date(Number(stamp), format, label) });
  }
  if (name[0] === "!") return broadcast(name.slice(1));
  return link(plain(name), label);
}

// textObject answers nodes for a text object of a block.
export function textObject(text, me) {
  if (!text) return [];
  if (typeof text === "string") return [text];
  return text.type === "mrkdwn" ? mrkdwn(text.text ?? "", me, text.verbatim) : colons(text.text ?? "", text.emoji !== false);
}

// colons answers nodes for a plain text, in which only emoji are more than letters.
export function colons(text, withEmoji = true) {
  const out = [];
  let at = 0;
  const piece = (s) => s.split("\n").flatMap((line, i) => (i ? [document.createElement("br"), line] : [line])).filter((n) => n !== "");
  for (const found of withEmoji ? text.matchAll(/:([a-z0-9_+'-]+):/g) : []) {
    out.push(...piece(text.slice(at, found.index)), emoji(found[1]));
    at = found.index + found[0].length;
  }
  return out.concat(piece(text.slice(at)));
}
