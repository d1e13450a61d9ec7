// The small things inside of texts: mentions, links, emoji.
import { h } from "../dom.js";
import { store } from "../store.js";
import { lang } from "../text/text.js";
import { emojiChar } from "./emoji.js";

export const memberName = (id) => {
  const m = store.slack.members.get(id);
  return m ? m.display_name || m.real_name || m.name : id;
};

export const userMention = (id, me) => h("span", { class: `mention${id === me ? " mine" : ""}`, text: `@${memberName(id)}` });
export const channelMention = (id) => h("span", { class: "mention", text: `#${store.slack.channels.get(id)?.name ?? id}` });
export const groupMention = (id, me) => {
  const group = store.slack.workspace.groups.find((g) => g.id === id);
  return h("span", { class: `mention${group?.users?.includes(me) ? " mine" : ""}`, text: `@${group?.handle ?? id}` });
};
export const broadcast = (range) => h("span", { class: "mention mine", text: `@${range}` });

export function emoji(name, unicode) {
  const char = emojiChar(name, unicode);
  return char ? h("span", { class: "emoji", role: "img", "aria-label": `:${name}:`, title: `:${name}:`, text: char }) : document.createTextNode(`:${name}:`);
}

// link makes a link of an address that is one of the web or of mail, and text of any other.
export function link(url, text) {
  const shown = text || url;
  return safe(url) ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer", text: shown }) : document.createTextNode(shown);
}

export function safe(url) {
  try {
    return ["https:", "http:", "mailto:", "tel:"].includes(new URL(url).protocol);
  } catch {
    return false;
  }
}

// pictureSource answers where the page may load a picture from: nothing comes from outside, and the demo's shop keeps its pictures here.
export function pictureSource(url) {
  const shop = /^https:\/\/shop\.example\.com(\/pictures\/[\w.-]+)$/.exec(url ?? "");
  return shop ? shop[1] : null;
}

// date writes {date_short} and the like as Slack does.
export function date(timestamp, format, fallback) {
  const at = new Date(timestamp * 1000);
  if (Number.isNaN(at.getTime())) return fallback || "";
  const part = (options) => new Intl.DateTimeFormat(lang, options).format(at);
  const parts = {
    date_num: () => at.toISOString().slice(0, 10), date: () => part({ dateStyle: "long" }), date_short: () => part({ dateStyle: "medium" }), date_long: () => part({ dateStyle: "full" }),
    date_pretty: () => part({ dateStyle: "long" }), date_short_pretty: () => part({ dateStyle: "medium" }), date_long_pretty: () => part({ dateStyle: "full" }), date_long_full: () => part({ dateStyle: "full" }),
    time: () => part({ timeStyle: "short" }), time_secs: () => part({ timeStyle: "medium" }), ago: () => part({ dateStyle: "medium", timeStyle: "short" }), day_divider_pretty: () => part({ dateStyle: "full" }),
  };
  return (format || "{date_short} {time}").replace(/\{(\w+)\}/g, (whole, name) => parts[name]?.() ?? whole);
}
