// Where the caret is in a field of the composer, which is an editable element or, for code, a textarea.

// inside answers the selection when it is in a field.
export function inside(field) {
  const selection = getSelection();
  const range = selection.rangeCount ? selection.getRangeAt(0) : null;
  return range && field.contains(range.startContainer) && field.contains(range.endContainer) ? range : null;
}

// around answers what is before and after the selection, as fragments.
export function around(field) {
  const range = inside(field) ?? whole(field, false);
  const before = whole(field);
  before.setEnd(range.startContainer, range.startOffset);
  const after = whole(field);
  after.setStart(range.endContainer, range.endOffset);
  return { before: before.cloneContents(), after: after.cloneContents() };
}

function whole(field, all = true) {
  const range = document.createRange();
  range.selectNodeContents(field);
  if (!all) range.collapse(false);
  return range;
}

// put sets the caret at the beginning or the end of a field.
export function put(field, atEnd = true) {
  field.focus();
  if (field.nodeName === "TEXTAREA") {
    const at = atEnd ? field.value.length : 0;
    field.setSelectionRange(at, at);
    return;
  }
  const range = whole(field);
  range.collapse(!atEnd);
  select(range);
}

export function select(range) {
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

// after sets the caret behind a node, in a text of its own.
export function after(node, text) {
  const rest = document.createTextNode(text);
  node.after(rest);
  const range = document.createRange();
  range.setStart(rest, rest.length);
  range.collapse(true);
  select(range);
}
