// Formatted text: what a person sees as bold is a run with bold: true, and never a mark.
//
// A run is {text, bold, italic, strike, code}; its text holds tokens such as <@U…> for what was picked from a list. A paragraph is {kind, runs}, kind
// being text, quote, bullet, ordered or code.
import { h } from "../dom.js";
import { broadcast, channelMention, groupMention, userMention } from "../blockkit/inline.js";
import { ui } from "../ui.js";

const styles = { B: "bold", STRONG: "bold", I: "italic", EM: "italic", S: "strike", STRIKE: "strike", DEL: "strike", CODE: "code" };
const tags = { code: "code", strike: "s", italic: "i", bold: "b" };

// gap is where the caret can stand outside of a style that ends there. It is not text.
export const gap = "\u200b";

// runsOf reads what is in a node of the editor.
export function runsOf(node) {
  const runs = [];
  const push = (text, style) => {
    const last = runs.at(-1);
    if (!text) return;
    if (last && Object.keys(tags).every((name) => Boolean(last[name]) === Boolean(style[name]))) last.text += text;
    else runs.push({ text, ...style });
  };
  const walk = (at, style) => {
    if (at.nodeType === Node.TEXT_NODE) { push(at.data.replaceAll(gap, "").replaceAll("\u00a0", " "), style); return; }
    if (at.dataset?.token) { push(at.dataset.token, style); return; }
    if (at.nodeName === "BR") { push("\n", style); return; }
    if (at.nodeName === "DIV" && at !== node && runs.length) push("\n", style);
    const name = styles[at.nodeName];
    for (const child of at.childNodes) walk(child, name ? { ...style, [name]: true } : style);
  };
  walk(node, {});
  return runs;
}

export const textOf = (runs) => runs.map((run) => run.text).join("");

// trimmed takes away empty lines at both ends, and spaces at the last.
export function trimmed(runs) {
  const out = runs.map((run) => ({ ...run }));
  while (out.length && !(out[0].text = out[0].text.replace(/^\n+/, ""))) out.shift();
  while (out.length && !(out.at(-1).text = out.at(-1).text.replace(/\s+$/, ""))) out.pop();
  return out;
}

// cutLines splits runs where a line ends.
export function cutLines(runs) {
  const lines = [[]];
  for (const run of runs) {
    run.text.split("\n").forEach((text, i) => {
      if (i > 0) lines.push([]);
      if (text) lines.at(-1).push({ ...run, text });
    });
  }
  return lines;
}

const token = /<(?:[@#!][^<>\n]+|https?:[^<>|\n]+\|[^<>\n]+)>/g;

// nodesOf makes what the editor shows of runs.
export function nodesOf(runs) {
  return runs.map((run) => {
    let nodes = [];
    let at = 0;
    for (const found of run.text.matchAll(token)) {
      nodes.push(run.text.slice(at, found.index), chip(found[0]));
      at = found.index + found[0].length;
    }
    nodes.push(run.text.slice(at));
    nodes = nodes.filter((n) => n !== "");
    for (const [name, tag] of Object.entries(tags)) if (run[name]) nodes = [h(tag, {}, nodes)];
    return nodes;
  });
}

// chip shows what was picked; it is one thing to the caret.
export function chip(of) {
  const [name, label] = of.slice(1, -1).split("|");
  const shown = name.startsWith("@") ? userMention(name.slice(1), ui.member) : name.startsWith("#") ? channelMention(name.slice(1)) : name.startsWith("!subteam^") ? groupMention(name.slice(9), ui.member) : name.startsWith("!") ? broadcast(name.slice(1)) : h("span", { class: "mention", text: label ?? name });
  shown.contentEditable = "false";
  shown.dataset.token = of;
  return shown;
}

// paragraphsOf answers what was formatted, as the blocks of a message tell.
export function paragraphsOf(m) {
  const block = (m.blocks ?? []).find((b) => b.type === "rich_text");
  if (!block) return [{ kind: "text", runs: [{ text: m.text ?? "" }] }];
  return block.elements.flatMap((el) => {
    if (el.type === "rich_text_list") return el.elements.map((item) => ({ kind: el.style === "ordered" ? "ordered" : "bullet", runs: item.elements.map(runOf) }));
    const kind = { rich_text_preformatted: "code", rich_text_quote: "quote" }[el.type] ?? "text";
    return [{ kind, runs: trimmed((el.elements ?? []).map(runOf)) }];
  });
}

function runOf(el) {
  const style = el.style ?? {};
  return { text: written(el), bold: Boolean(style.bold), italic: Boolean(style.italic), strike: Boolean(style.strike), code: Boolean(style.code) };
}

function written(el) {
  switch (el.type) {
    case "link": return el.text ? `<${el.url}|${el.text}>` : el.url;
    case "user": return `<@${el.user_id}>`;
    case "channel": return `<#${el.channel_id}>`;
    case "usergroup": return `<!subteam^${el.usergroup_id}>`;
    case "broadcast": return `<!${el.range}>`;
    case "emoji": return `:${el.name}:`;
    default: return el.text ?? el.fallback ?? "";
  }
}
