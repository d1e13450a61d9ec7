// The button that copies what would do the same in a terminal.
import { h, icon } from "../dom.js";
import { t } from "../text/text.js";
import { say } from "../ui.js";

export function copyButton(text, label = t("copy_curl")) {
  return h("button", { type: "button", class: "copy", on: { click: async () => {
    const command = text();
    copied.last = command;
    try {
      await navigator.clipboard.writeText(command);
      say(t("copied"));
    } catch {
      say(t("not_copied"), true);
    }
  } } }, icon("copy", 12), label);
}

export const copied = { last: "" };
