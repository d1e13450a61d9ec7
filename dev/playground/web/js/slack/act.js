// What a member does in Slack, and what the app's answer means.
import { slack } from "../api.js";
import { say, ui } from "../ui.js";
import { t } from "../text/text.js";

// client names this tab, as long as it lives, also when it is loaded again: modals open in the client in which a button was pressed, and in no other.
export const client = (() => {
  const fresh = `tab-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;
  try {
    const known = sessionStorage.getItem("client") ?? fresh;
    sessionStorage.setItem("client", known);
    return known;
  } catch {
    return fresh;
  }
})();

// told reads the answer of an interaction; Slack shows a person that an app does not answer.
async function told(asked) {
  let answer;
  try {
    answer = await asked;
  } catch {
    say(t("slack.not_responding"), true);
    return null;
  }
  if (answer.status !== 200) {
    say(t("slack.not_responding"), true);
    return null;
  }
  try {
    return answer.body ? JSON.parse(answer.body) : {};
  } catch {
    return { text: answer.body };
  }
}

// surface is where blocks are, for blockkit/blocks.js. where names the message or view.
export function surface(where, values = {}, errors = {}) {
  const click = (el, block) => ({ member: ui.member, client, ...where, action_id: el.action_id, block_id: block.block_id, state: values });
  return {
    me: ui.member, values, errors,
    act: (el, block, picked) => told(slack("click", { ...click(el, block), ...picked })),
    suggest: (el, block, typed) => told(slack("suggest", { ...click(el, block), value: typed })),
  };
}

export const submit = (viewID, values) => told(slack("submit", { member: ui.member, view_id: viewID, values }));
export const closeView = (viewID, all = false) => told(slack("close-view", { member: ui.member, view_id: viewID, all }));
export const shortcut = (callbackID, channel = "", ts = "") => told(slack("shortcut", { member: ui.member, client, callback_id: callbackID, channel, ts }));
export const command = (channel, name, text) => told(slack("command", { member: ui.member, client, channel, command: name, text }));
