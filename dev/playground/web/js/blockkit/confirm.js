// The dialog that asks before an element acts.
import { h } from "../dom.js";
import { textObject } from "./mrkdwn.js";

// confirmed asks, and answers what was said.
export function confirmed(confirm, me) {
  return new Promise((answer) => {
    const close = (yes) => () => { dialog.close(); dialog.remove(); answer(yes); };
    const dialog = h("dialog", { class: "modal small", "aria-labelledby": "confirm-title", on: { cancel: close(false) } },
      h("header", {}, h("h2", { id: "confirm-title" }, textObject(confirm.title, me))),
      h("div", { class: "modal-body" }, textObject(confirm.text, me)),
      h("footer", {},
        h("button", { type: "button", class: "b-button", on: { click: close(false) } }, textObject(confirm.deny, me)),
        h("button", { type: "button", class: `b-button ${confirm.style === "danger" ? "danger" : "primary"} solid`, on: { click: close(true) } }, textObject(confirm.confirm, me))));
    document.body.append(dialog);
    dialog.showModal();
  });
}
