// Styles in the composer: from its buttons and keys, and from marks that are typed around words, which become the style as in Slack.
import { after, select } from "./caret.js";
import { chip, gap } from "./runs.js";

const commands = { bold: "bold", italic: "italic", strike: "strikeThrough" };
const tags = { "*": "b", _: "i", "~": "s", "`": "code" };

// A mark inside of a word, as in snake_case_name, marks nothing.
const marked = /(?<![A-Za-z0-9_*~`])([*_~`])([^\s*_~`](?:[^*_~`\n]*[^\s*_~`])?)\1$/;

const codeAt = () => {
  const at = getSelection().anchorNode;
  return (at?.nodeType === Node.TEXT_NODE ? at.parentElement : at)?.closest?.(".c-rich code") ?? null;
};

// styles are those at the caret.
export function styles() {
  const on = Object.entries(commands).filter(([, command]) => document.queryCommandState(command)).map(([name]) => name);
  return codeAt() ? [...on, "inline-code"] : on;
}

export function toggleStyle(name) {
  if (name !== "code") { document.execCommand(commands[name]); return; }
  const code = codeAt();
  if (code) { unwrap(code); return; }
  const range = getSelection().getRangeAt(0);
  const made = document.createElement("code");
  made.textContent = range.toString() || gap;
  range.deleteContents();
  range.insertNode(made);
  if (made.textContent === gap) inner(made); else after(made, gap);
}

// inner sets the caret at the end inside of an element.
function inner(el) {
  const range = document.createRange();
  range.selectNodeContents(el);
  range.collapse(false);
  select(range);
}

function unwrap(code) {
  const range = getSelection().getRangeAt(0);
  if (range.collapsed && code.textContent !== gap) { after(code, gap); return; } // go on without it
  const text = document.createTextNode(code.textContent);
  code.replaceWith(text);
  range.selectNodeContents(text);
  select(range);
}

// markTyped makes a style of marks that were just closed.
export function markTyped() {
  const selection = getSelection();
  const node = selection.anchorNode;
  if (!selection.isCollapsed || node?.nodeType !== Node.TEXT_NODE || codeAt()) return;
  const found = marked.exec(node.data.slice(0, selection.anchorOffset));
  if (!found) return;
  const range = document.createRange();
  range.setStart(node, found.index);
  range.setEnd(node, selection.anchorOffset);
  range.deleteContents();
  const made = document.createElement(tags[found[1]]);
  made.textContent = found[2];
  range.insertNode(made);
  after(made, gap);
}

// insertChip puts a picked person in place of what is selected.
export function insertChip(of) {
  const range = getSelection().getRangeAt(0);
  range.deleteContents();
  const made = chip(of);
  range.insertNode(made);
  after(made, " ");
}
