// A composer that writes what Slack's own writes. A message is a row of paragraphs and code blocks; what is sent has a fence around each block, glued
// to its words, which Slack turns into rich_text_preformatted.
import { h, icon } from "../dom.js";
import { memberName } from "../blockkit/inline.js";
import { store } from "../store.js";
import { t } from "../text/text.js";

const fence = "```";

// composer makes one: {label, text, placeholder, send(text), cancel}.
export function composer(options) {
  return new Composer(options);
}

class Composer {
  constructor(options) {
    this.options = options;
    this.parts = h("div", { class: "c-parts" });
    this.hints = h("div", { class: "c-hints", hidden: true });
    this.sendButton = h("button", { type: "button", class: "c-send", "aria-label": options.cancel ? t("slack.save") : t("slack.send"), title: options.cancel ? t("slack.save") : t("slack.send"), on: { click: () => this.send() } }, icon("send", 16));
    this.node = h("div", { class: "composer", role: "group", "aria-label": options.label },
      this.hints,
      h("div", { class: "c-tools", role: "toolbar", "aria-label": t("slack.formatting") }, this.tools()),
      this.parts,
      h("div", { class: "c-foot" },
        h("span", { class: "c-help", text: t("slack.enter_sends") }),
        options.cancel && h("button", { type: "button", class: "b-button", text: t("cancel"), on: { click: options.cancel } }),
        this.sendButton));
    this.load(options.text ?? "");
  }

  tools() {
    const tool = (name, key, use) => h("button", { type: "button", title: t(key), "aria-label": t(key), data: { tool: name }, on: { pointerdown: (e) => e.preventDefault(), click: use } }, icon(name, 15));
    return [
      tool("bold", "slack.bold", () => this.wrap("*")), tool("italic", "slack.italic", () => this.wrap("_")), tool("strike", "slack.strike", () => this.wrap("~")),
      h("span", { class: "c-line" }), tool("list", "slack.list", () => this.prefix("• ")), tool("quote", "slack.quote", () => this.prefix("> ")),
      h("span", { class: "c-line" }), tool("code", "slack.code", () => this.wrap("`")), tool("codeblock", "slack.code_block", () => this.toggleBlock()),
      h("span", { class: "c-line" }), this.mentions(),
    ];
  }

  mentions() {
    const list = h("div", { class: "b-menu up" });
    const node = h("details", { class: "b-overflow", on: { toggle: () => node.open && list.replaceChildren(...[...store.slack.members.values()].filter((m) => !m.bot).map((m) => h("button", { type: "button", text: memberName(m.id), on: { click: () => { node.open = false; this.insert(`<@${m.id}> `); } } }))) } },
      h("summary", { "aria-label": t("slack.mention"), title: t("slack.mention") }, icon("at", 15)), list);
    return node;
  }

  // load puts in a text with fences.
  load(text) {
    this.parts.replaceChildren();
    let at = 0;
    for (const found of text.matchAll(/```([\s\S]+?)```/g)) {
      const before = text.slice(at, found.index).replace(/^\n|\n$/g, "");
      if (before) this.part("text", before);
      this.part("code", found[1]);
      at = found.index + found[0].length;
    }
    const rest = text.slice(at).replace(/^\n/, "");
    if (rest || !this.parts.children.length) this.part("text", rest);
    this.changed();
  }

  part(kind, value, after = this.parts.lastElementChild) {
    const area = h("textarea", {
      class: `c-${kind}`, rows: 1, value, spellcheck: kind === "code" ? "false" : null, "aria-label": kind === "code" ? t("slack.code_block") : this.options.label,
      placeholder: kind === "text" && !after ? this.options.placeholder : null, data: { kind },
      on: { input: () => this.typed(area), keydown: (e) => this.key(e, area), focus: () => { this.last = area; } },
    });
    if (after) after.after(area); else this.parts.append(area);
    return area;
  }

  get areas() { return [...this.parts.children]; }

  get current() { return this.last?.isConnected ? this.last : this.areas.at(-1); }

  // text is what is sent.
  get text() {
    return this.areas.filter((a) => a.value.trim() !== "").map((a) => (a.dataset.kind === "code" ? fence + a.value.replace(/^\n+|\n+$/g, "") + fence : a.value.replace(/^\n+|\s+$/g, ""))).join("\n");
  }

  typed(area) {
    // An opening fence that is typed begins a block at once, as in Slack.
    const at = area.dataset.kind === "text" ? area.value.indexOf(fence) : -1;
    if (at >= 0 && !area.value.slice(at + 3).includes(fence) && area.selectionStart === at + 3) this.begin(area, at);
    else if (at >= 0) this.load(this.raw());
    this.changed();
  }

  // raw is everything with fences, also what is not finished.
  raw() { return this.areas.map((a) => (a.dataset.kind === "code" ? `${fence}${a.value || " "}${fence}` : a.value)).join("\n"); }

  begin(area, at) {
    const before = area.value.slice(0, at).replace(/\n$/, "");
    const rest = area.value.slice(at + 3);
    const block = this.part("code", rest, area);
    if (before) area.value = before; else area.remove();
    block.focus();
  }

  changed() {
    for (const area of this.areas) {
      // Letting the field grow with its words; 'field-sizing' is not everywhere yet.
      area.style.height = "auto";
      area.style.height = `${Math.min(Math.max(area.scrollHeight, 22), 220)}px`;
    }
    this.sendButton.disabled = this.text === "";
    this.node.querySelector("[data-tool=codeblock]").setAttribute("aria-pressed", String(this.current?.dataset.kind === "code"));
    this.hint();
  }

  // hint shows the commands that begin as what is typed.
  hint() {
    const text = this.areas.length === 1 ? this.areas[0].value : "";
    const fitting = this.options.commands && /^\/\S*$/.test(text) ? store.slack.workspace.commands.filter((c) => c.command.startsWith(text)) : [];
    this.hints.hidden = fitting.length === 0;
    this.hints.replaceChildren(...fitting.map((c) => h("button", { type: "button", on: { click: () => { this.areas[0].value = `${c.command} `; this.focus(); this.changed(); } } }, h("strong", { text: c.command }), ` ${c.usage_hint ?? ""} `, h("span", { class: "quiet", text: c.description ?? "" }))));
  }

  key(e, area) {
    if (e.isComposing) return; // a Japanese input method takes its own Enter
    const areas = this.areas;
    const i = areas.indexOf(area);
    const start = area.selectionStart === 0 && area.selectionEnd === 0;
    const end = area.selectionStart === area.value.length;
    if (e.key === "Enter" && !e.shiftKey && !e.altKey) { e.preventDefault(); this.send(); }
    else if (e.key === "Enter" && area.dataset.kind === "code" && end && area.value.endsWith("\n")) { e.preventDefault(); area.value = area.value.replace(/\n+$/, ""); (areas[i + 1] ?? this.part("text", "", area)).focus(); this.changed(); }
    else if (e.key === "Backspace" && start) this.erase(e, area, areas[i - 1]);
    else if (e.key === "ArrowUp" && start) areas[i - 1]?.focus();
    else if (e.key === "ArrowDown" && end) { if (areas[i + 1]) areas[i + 1].focus(); else if (area.dataset.kind === "code") this.part("text", "", area).focus(); }
    else if (e.key === "Escape" && this.options.cancel) this.options.cancel();
    else if ((e.metaKey || e.ctrlKey) && e.altKey && e.shiftKey && e.key.toLowerCase() === "c") { e.preventDefault(); this.toggleBlock(); }
  }

  erase(e, area, before) {
    if (area.dataset.kind === "code") { e.preventDefault(); this.turn(area, "text"); }
    else if (before) {
      e.preventDefault();
      const at = before.value.length;
      before.value += area.value;
      area.remove();
      before.focus();
      before.setSelectionRange(at, at);
    }
    this.changed();
  }

  turn(area, kind) {
    const made = this.part(kind, area.value, area);
    area.remove();
    made.focus();
    this.changed();
    return made;
  }

  // toggleBlock makes a block of what is selected, or of the paragraph, and a paragraph of a block.
  toggleBlock() {
    const area = this.current;
    if (area.dataset.kind === "code") { this.turn(area, "text"); return; }
    const { selectionStart: from, selectionEnd: to, value } = area;
    if (from === to) {
      // With nothing selected Slack makes a block of the line; an empty one is a new block.
      this.turn(area, "code");
      return;
    }
    const after = value.slice(to).replace(/^\n/, "");
    const block = this.part("code", value.slice(from, to), area);
    if (after) this.part("text", after, block);
    area.value = value.slice(0, from).replace(/\n$/, "");
    if (!area.value) area.remove();
    block.focus();
    this.changed();
  }

  insert(text) {
    const area = this.current;
    area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
    area.focus();
    this.changed();
  }

  wrap(mark) {
    const area = this.current;
    const { selectionStart: from, selectionEnd: to } = area;
    area.setRangeText(mark + area.value.slice(from, to) + mark, from, to, "select");
    area.setSelectionRange(from + 1, to + 1);
    area.focus();
    this.changed();
  }

  prefix(mark) {
    const area = this.current;
    const from = area.value.lastIndexOf("\n", area.selectionStart - 1) + 1;
    area.setRangeText(mark, from, from, "end");
    area.focus();
    this.changed();
  }

  focus() { this.areas.at(-1).focus(); }

  async send() {
    const text = this.text;
    if (!text) return;
    if (!this.options.cancel) {
      this.load("");
      this.focus();
    }
    await this.options.send(text);
  }
}
