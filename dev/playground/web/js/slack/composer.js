// A composer that writes what Slack's own writes, and shows it as Slack's own does: bold is seen as bold. A message is a row of fields, each a
// paragraph, a quote, an item of a list or a block of code.
import { h, icon } from "../dom.js";
import { store } from "../store.js";
import { t } from "../text/text.js";
import { around, inside, put } from "./caret.js";
import { insertChip, markTyped, styles, toggleStyle } from "./marks.js";
import { cutLines, nodesOf, runsOf, textOf, trimmed } from "./runs.js";
import { toolbar } from "./toolbar.js";

const fence = "```";
// What begins a line and makes it another kind as soon as a space follows.
const openings = [[/^[-*•]$/, "bullet"], [/^\d+\.$/, "ordered"], [/^>$/, "quote"]];

// composer makes one: {label, paragraphs, placeholder, commands, send({text, paragraphs}), cancel}.
export function composer(options) {
  return new Composer(options);
}

class Composer {
  constructor(options) {
    this.options = options;
    this.fields = h("div", { class: "c-parts", on: { keyup: () => this.tools.draw(), pointerup: () => this.tools.draw() } });
    this.hints = h("div", { class: "c-hints", hidden: true });
    const verb = options.cancel ? t("slack.save") : t("slack.send");
    this.sendButton = h("button", { type: "button", class: "c-send", "aria-label": verb, title: verb, on: { click: () => this.send() } }, icon("send", 16));
    this.tools = toolbar(this);
    this.node = h("div", { class: "composer", role: "group", "aria-label": options.label },
      this.hints, this.tools.node, this.fields,
      h("div", { class: "c-foot" },
        h("span", { class: "c-help", text: t("slack.enter_sends") }),
        options.cancel && h("button", { type: "button", class: "b-button", text: t("cancel"), on: { click: options.cancel } }),
        this.sendButton));
    this.load(options.paragraphs ?? []);
  }

  // load shows paragraphs instead of what was there.
  load(paragraphs) {
    this.fields.replaceChildren();
    this.append(paragraphs);
    if (!this.all.length) this.field("text", []);
    this.changed();
  }

  append(paragraphs, after = this.fields.lastElementChild) {
    for (const p of paragraphs) after = this.field(p.kind, p.runs, after);
    return after;
  }

  field(kind, runs, after = this.fields.lastElementChild) {
    const made = kind === "code" ? this.codeField(textOf(runs)) : this.richField(kind, runs);
    made.dataset.kind = kind;
    made.addEventListener("focus", () => { this.last = made; this.tools.draw(); });
    made.addEventListener("keydown", (e) => this.key(e, made));
    made.addEventListener("keyup", (e) => { if (e.key === "Enter") this.sending = false; });
    made.addEventListener("beforeinput", (e) => { if (/^insert(LineBreak|Paragraph)$/.test(e.inputType)) this.newLine(e, made); });
    if (after) after.after(made); else this.fields.append(made);
    return made;
  }

  codeField(text) {
    const made = h("textarea", { class: "c-code", rows: 1, value: text, spellcheck: "false", "aria-label": t("slack.code_block"), on: { input: () => this.codeTyped(made) } });
    return made;
  }

  richField(kind, runs) {
    const made = h("div", { class: `c-rich c-${kind}`, contenteditable: "true", role: "textbox", "aria-multiline": "true", "aria-label": kind === "text" ? this.options.label : t(`slack.${kind}`), data: { hint: this.options.placeholder ?? "" }, on: {
      input: (e) => this.typed(made, e), paste: (e) => this.paste(e, made), drop: (e) => e.preventDefault(), compositionend: () => this.changed(),
    } }, nodesOf(runs));
    return made;
  }

  get all() { return [...this.fields.children]; }

  get current() { return this.last?.isConnected ? this.last : this.all.at(-1); }

  runs(field) { return field.dataset.kind === "code" ? [{ text: field.value.replace(/^\n+|\n+$/g, "") }] : trimmed(runsOf(field)); }

  // paragraphs are what is sent: those that say something.
  get paragraphs() { return this.all.map((field) => ({ kind: field.dataset.kind, runs: this.runs(field) })).filter((p) => textOf(p.runs).trim() !== ""); }

  codeTyped(field) {
    // A closing fence that is typed ends the block.
    if (field.value.endsWith(fence) && field.selectionStart === field.value.length) {
      field.value = field.value.slice(0, -fence.length);
      this.leave(field);
    }
    this.changed();
  }

  typed(field, e) {
    if (e.isComposing) return;
    const before = textOf(runsOf(around(field).before));
    const line = before.slice(before.lastIndexOf("\n") + 1);
    const opening = /[ \u00a0]$/.test(line) && field.dataset.kind === "text" && openings.find(([pattern]) => pattern.test(line.slice(0, -1)));
    if (before.endsWith(fence)) this.open(field, "code", fence.length);
    else if (opening) this.open(field, opening[1], line.length);
    else markTyped(field);
    this.changed();
  }

  // open lets another kind of field begin at the caret, instead of the marks before it.
  open(field, kind, marks) {
    const { before, after } = around(field);
    const head = cutEnd(runsOf(before), marks);
    const [first, ...rest] = kind === "code" ? [runsOf(after)] : cutLines(runsOf(after));
    const made = this.field(kind, first, field);
    if (rest.length) this.field("text", joined(rest), made);
    this.keep(field, head);
    put(made, false);
  }

  // keep leaves in a field what runs say, and takes it away when that is nothing.
  keep(field, runs) {
    if (textOf(trimmed(runs)) === "") field.remove();
    else field.replaceChildren(...nodesOf(trimmed(runs)).flat());
  }

  paste(e, field) {
    e.preventDefault();
    const text = (e.clipboardData.getData("text/plain") ?? "").replaceAll("\r\n", "\n");
    const pieces = fenced(text);
    if (pieces.every((p) => p.kind === "text")) {
      document.execCommand("insertText", false, text);
    } else {
      const { before, after } = around(field);
      const end = this.append([...pieces, { kind: "text", runs: runsOf(after) }], field);
      this.keep(field, runsOf(before));
      put(end, false);
    }
    this.changed();
  }

  changed() {
    const all = this.all;
    for (const field of all) {
      if (field.dataset.kind === "code") grow(field);
      else field.classList.toggle("empty", all.length === 1 && field.textContent === "");
    }
    this.sendButton.disabled = this.paragraphs.length === 0;
    this.tools.draw();
    this.hint();
  }

  // hint shows the commands that begin as what is typed.
  hint() {
    const text = this.all.length === 1 ? textOf(this.runs(this.all[0])) : "";
    const fitting = this.options.commands && /^\/\S*$/.test(text) ? store.slack.workspace.commands.filter((c) => c.command.startsWith(text)) : [];
    this.hints.hidden = fitting.length === 0;
    this.hints.replaceChildren(...fitting.map((c) => h("button", { type: "button", on: { click: () => { this.load([{ kind: "text", runs: [{ text: `${c.command} ` }] }]); this.focus(); } } }, h("strong", { text: c.command }), ` ${c.usage_hint ?? ""} `, h("span", { class: "quiet", text: c.description ?? "" }))));
  }

  key(e, field) {
    if (e.isComposing || e.keyCode === 229) return; // a Japanese input method takes its own Enter
    const { start, end } = this.edges(field);
    const [before, next] = [field.previousElementSibling, field.nextElementSibling];
    if (e.key === "Enter" && !e.shiftKey && !e.altKey) { e.preventDefault(); this.sending = true; this.send(); }
    else if (e.key === "Backspace" && start) this.erase(e, field, before);
    else if (e.key === "ArrowUp" && start && before) { e.preventDefault(); put(before); }
    else if (e.key === "ArrowDown" && end && (next || field.dataset.kind !== "text")) { e.preventDefault(); if (next) put(next, false); else this.leave(field); }
    else if (e.key === "Escape" && this.options.cancel) this.options.cancel();
    else if (e.metaKey || e.ctrlKey) this.shortcut(e);
  }

  // edges tells whether nothing is before the caret, and after it.
  edges(field) {
    if (field.dataset.kind === "code") return { start: field.selectionEnd === 0, end: field.selectionStart === field.value.length };
    if (!inside(field)) return { start: false, end: false };
    const { before, after } = around(field);
    return { start: textOf(runsOf(before)) === "" && inside(field).collapsed, end: textOf(runsOf(after)).replace(/\n$/, "") === "" };
  }

  // newLine is what a new line means here: Shift+Enter, or Enter on a phone's keyboard. An Enter that sends is none.
  newLine(e, field) {
    const kind = field.dataset.kind;
    if (this.sending) { e.preventDefault(); return; }
    if (kind === "text") { breakLine(e); return; }
    const text = kind === "code" ? field.value : textOf(runsOf(field));
    const item = ["bullet", "ordered"].includes(kind);
    if (!item && !(this.edges(field).end && text.endsWith("\n"))) { breakLine(e); return; } // an empty last line ends a block or a quote
    e.preventDefault();
    if (item) { if (text.trim() === "") this.turn(field, "text"); else this.nextItem(field); }
    else {
      if (kind === "code") field.value = text.replace(/\n+$/, ""); else field.replaceChildren(...nodesOf(trimmed(runsOf(field))).flat());
      this.leave(field);
    }
    this.changed();
  }

  nextItem(field) {
    const { before, after } = around(field);
    const made = this.field(field.dataset.kind, runsOf(after), field);
    field.replaceChildren(...nodesOf(runsOf(before)).flat());
    put(made, false);
  }

  // leave goes on below a field.
  leave(field) { put(field.nextElementSibling ?? this.field("text", [], field), false); }

  erase(e, field, before) {
    if (field.dataset.kind !== "text") {
      e.preventDefault();
      this.turn(field, "text", false);
    } else if (before) {
      e.preventDefault();
      this.merge(before, field);
    }
    this.changed();
  }

  merge(before, field) {
    if (before.dataset.kind === "code") {
      const at = before.value.length;
      before.value += textOf(runsOf(field));
      field.remove();
      before.focus();
      before.setSelectionRange(at, at);
      return;
    }
    put(before);
    const range = getSelection().getRangeAt(0).cloneRange();
    before.append(...nodesOf(runsOf(field)).flat());
    field.remove();
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  }

  turn(field, kind, atEnd = true) {
    const made = this.field(kind, kind === "code" ? [{ text: textOf(this.runs(field)) }] : this.runs(field), field);
    field.remove();
    put(made, atEnd);
    this.changed();
    return made;
  }

  // toggleKind makes what is selected, or the whole field, another kind, and a paragraph of what is that kind already.
  toggleKind(kind) {
    const field = this.current;
    if (field.dataset.kind === kind) { this.turn(field, "text"); return; }
    const range = field.dataset.kind === "text" ? inside(field) : null;
    if (range && !range.collapsed) this.cutOut(field, kind, range);
    else if (["bullet", "ordered"].includes(kind)) this.toItems(field, kind, this.runs(field));
    else this.turn(field, kind);
  }

  cutOut(field, kind, range) {
    const { before, after } = around(field);
    const chosen = runsOf(range.cloneContents());
    const tail = trimmed(runsOf(after));
    if (tail.length) this.field("text", tail, field);
    if (["bullet", "ordered"].includes(kind)) {
      const made = this.append(cutLines(chosen).map((runs) => ({ kind, runs })), field);
      put(made);
    } else {
      put(this.field(kind, trimmed(chosen), field));
    }
    this.keep(field, runsOf(before));
    this.changed();
  }

  toItems(field, kind, runs) {
    const made = this.append(cutLines(runs).map((line) => ({ kind, runs: line })), field);
    field.remove();
    put(made);
    this.changed();
  }

  style(name) {
    const field = this.current;
    if (field.dataset.kind === "code") return;
    if (!inside(field)) put(field);
    toggleStyle(name);
    this.changed();
  }

  shortcut(e) {
    const key = e.key.toLowerCase();
    const style = !e.altKey && (e.shiftKey ? { x: "strike", c: "code" }[key] : { b: "bold", i: "italic" }[key]);
    const kind = e.shiftKey && (e.altKey ? { c: "code" }[key] : { Digit7: "ordered", Digit8: "bullet", Digit9: "quote" }[e.code]);
    if (!style && !kind) return;
    e.preventDefault();
    if (style) this.style(style); else this.toggleKind(kind);
  }

  // insert puts what was picked at the caret.
  insert(of) {
    const field = this.current;
    if (field.dataset.kind === "code") {
      field.setRangeText(of, field.selectionStart, field.selectionEnd, "end");
      field.focus();
    } else {
      if (!inside(field)) put(field);
      insertChip(of);
    }
    this.changed();
  }

  pressed() {
    const field = this.current;
    const kind = field?.dataset.kind;
    return kind === "code" || !field || !inside(field) ? new Set([kind === "code" ? "codeblock" : kind]) : new Set([kind, ...styles()]);
  }

  focus() { put(this.all.at(-1)); }

  async send() {
    const paragraphs = this.paragraphs;
    if (!paragraphs.length) return;
    if (!this.options.cancel) {
      this.load([]);
      this.focus();
    }
    await this.options.send({ paragraphs, text: paragraphs.map((p) => textOf(p.runs)).join("\n") });
  }
}

// breakLine makes a line of what would be a paragraph.
function breakLine(e) {
  if (e.inputType !== "insertParagraph") return;
  e.preventDefault();
  document.execCommand("insertLineBreak");
}

// grow lets a block be as high as its words; 'field-sizing' is not everywhere yet.
function grow(area) {
  area.style.height = "auto";
  area.style.height = `${Math.min(Math.max(area.scrollHeight, 22), 220)}px`;
}

// cutEnd takes characters away at the end of runs.
function cutEnd(runs, n) {
  const out = runs.map((run) => ({ ...run }));
  while (n > 0 && out.length) {
    const last = out.at(-1);
    const cut = Math.min(n, last.text.length);
    last.text = last.text.slice(0, last.text.length - cut);
    if (!last.text) out.pop();
    n -= cut;
  }
  return out;
}

const joined = (lines) => lines.flatMap((line, i) => (i ? [{ text: "\n" }, ...line] : line));

// fenced cuts a text where it has pairs of fences.
function fenced(text) {
  const pieces = [];
  let at = 0;
  for (const found of text.matchAll(/```([\s\S]+?)```/g)) {
    const before = text.slice(at, found.index).replace(/^\n|\n$/g, "");
    if (before) pieces.push({ kind: "text", runs: [{ text: before }] });
    pieces.push({ kind: "code", runs: [{ text: found[1].replace(/^\n|\n$/g, "") }] });
    at = found.index + found[0].length;
  }
  const rest = text.slice(at).replace(/^\n/, "");
  return rest || !pieces.length ? [...pieces, { kind: "text", runs: [{ text: rest }] }] : pieces;
}
