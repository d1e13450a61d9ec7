// One message, as Slack shows it.
import { slack } from "../api.js";
import { fill, h, icon } from "../dom.js";
import { blocks } from "../blockkit/blocks.js";
import { emojiChar, picks } from "../blockkit/emoji.js";
import { emoji, memberName, pictureSource } from "../blockkit/inline.js";
import { mrkdwn } from "../blockkit/mrkdwn.js";
import { store } from "../store.js";
import { attempt, go, say, ui } from "../ui.js";
import { exact, ofTS, t, time } from "../text/text.js";
import { shortcut, surface } from "./act.js";
import { composer } from "./composer.js";
import { paragraphsOf } from "./runs.js";

// author answers who wrote a message, as it is shown.
function author(m) {
  const member = store.slack.members.get(m.user);
  const bot = Boolean(m.bot_id);
  const name = m.username || (bot ? m.bot_profile?.name : "") || (member ? memberName(m.user) : m.user || "?");
  return { id: m.username || m.user || m.bot_id || "?", name, bot, guest: member?.guest || member?.single_guest, outside: member && member.team !== store.slack.workspace.team };
}

export function avatar(id, name, bot, size = "") {
  let hue = 0;
  for (const c of id) hue = (hue * 31 + c.codePointAt(0)) % 8;
  return h("span", { class: `avatar ${size} tone-${hue}${bot ? " app" : ""}`, "aria-hidden": "true" }, bot ? icon("reply", size ? 12 : 18) : h("span", { text: [...name][0] ?? "?" }));
}

// message makes the node of a message; where says whether it stands in a channel or a thread.
export function message(m, where) {
  const by = author(m);
  const node = h("article", { class: `message${m.subtype === "tombstone" ? " tombstone" : ""}`, "aria-label": t("slack.message_of", { name: by.name, time: time(ofTS(m.ts)) }), data: { ts: m.ts } },
    avatar(by.id, by.name, by.bot),
    h("div", { class: "m-main" },
      h("div", { class: "m-head" },
        h("span", { class: "m-name", text: by.name }), by.bot && h("span", { class: "badge", text: t("slack.app") }), by.guest && h("span", { class: "badge", text: t("role.guest") }),
        by.outside && h("span", { class: "badge", text: t("role.connect") }), h("time", { class: "m-time", title: exact(ofTS(m.ts)), text: time(ofTS(m.ts)) })),
      h("div", { class: "m-body" }, body(m, where), m.edited && !by.bot && h("span", { class: "m-edited", text: ` ${t("slack.edited")}` })),
      files(m), reactions(m, where), where.inChannel && summary(m)));
  node.append(toolbar(m, where, node));
  return node;
}

function body(m, where) {
  if (m.blocks?.length) return blocks(m.blocks, surface({ channel: where.channel, ts: m.ts }));
  const attached = (m.attachments ?? []).map((a) => h("div", { class: "attachment" }, a.pretext && mrkdwn(a.pretext, ui.member), a.title && h("strong", { text: a.title }),
    a.blocks ? blocks(a.blocks, surface({ channel: where.channel, ts: m.ts })) : a.text && h("div", {}, mrkdwn(a.text, ui.member))));
  return [h("div", { class: "b-text" }, mrkdwn(m.text ?? "", ui.member)), attached];
}

function files(m) {
  return (m.files ?? []).map((f) => {
    const source = pictureSource(f.url_private);
    return h("div", { class: "file" }, source ? h("img", { class: "b-picture", src: source, alt: f.title ?? f.name ?? "" }) : [icon("image"), h("span", { text: f.name ?? f.title ?? f.id })]);
  });
}

function reactions(m, where) {
  if (!m.reactions?.length) return null;
  return h("div", { class: "reactions" }, m.reactions.map((r) => {
    const mine = r.users.includes(ui.member);
    const names = r.users.map(memberName).join(", ");
    return h("button", { type: "button", class: `reaction${mine ? " mine" : ""}`, "aria-pressed": mine, title: names, "aria-label": t("slack.reacted", { name: r.name, names, n: r.count }), data: { reaction: r.name }, on: { click: () => react(m, where, r.name, mine) } },
      emoji(r.name), h("span", { text: r.count }));
  }));
}

const react = (m, where, name, remove) => attempt(() => slack("react", { member: ui.member, channel: where.channel, ts: m.ts, name, remove }));

export const countOf = (n) => t(n === 1 ? "slack.reply_one" : "slack.replies", { n });

// summary is the line under a head that leads to its thread.
function summary(m) {
  if (!m.reply_count) return null;
  return h("button", { type: "button", class: "thread-link", on: { click: () => go({ thread: m.ts }) } },
    (m.reply_users ?? []).slice(0, 4).map((id) => avatar(id, memberName(id), store.slack.members.get(id)?.bot, "tiny")),
    h("strong", { text: countOf(m.reply_count) }), m.latest_reply && h("span", { class: "quiet", text: t("slack.last_reply", { time: time(ofTS(m.latest_reply)) }) }));
}

function toolbar(m, where, node) {
  if (m.subtype === "tombstone") return "";
  const button = (name, text, click) => h("button", { type: "button", title: text, "aria-label": text, on: { click } }, icon(name, 16));
  const bar = h("div", { class: "toolbar", role: "group", "aria-label": t("slack.message_actions") },
    button("smile", t("slack.add_reaction"), () => open(bar, picker(m, where))),
    where.inChannel && button("reply", t("slack.reply_in_thread"), () => go({ thread: m.thread_ts || m.ts })),
    button("more", t("slack.more"), () => open(bar, actions(m, where, node))));
  return bar;
}

// open shows a small menu at the toolbar, until something else is touched.
function open(bar, menu) {
  const was = bar.querySelector(".popup");
  was?.remove();
  if (was && was.className === menu.className) return;
  bar.append(menu);
  const close = (e) => {
    if (e.type === "keydown" ? e.key !== "Escape" : menu.contains(e.target)) return;
    menu.remove();
    removeEventListener("pointerdown", close);
    removeEventListener("keydown", close);
  };
  addEventListener("pointerdown", close);
  addEventListener("keydown", close);
  menu.querySelector("button")?.focus();
}

const picker = (m, where) => h("div", { class: "popup picker" }, picks.map((name) => h("button", { type: "button", "aria-label": `:${name}:`, text: emojiChar(name), on: { click: (e) => { e.target.closest(".popup").remove(); react(m, where, name, false); } } })));

function actions(m, where, node) {
  const own = m.user === ui.member && !m.bot_id;
  const item = (name, text, click) => h("button", { type: "button", on: { click: (e) => { e.target.closest(".popup").remove(); click(); } } }, icon(name, 14), h("span", { text }));
  const shortcuts = store.slack.workspace.shortcuts.filter((s) => s.type === "message");
  return h("div", { class: "popup actions" },
    shortcuts.map((s) => item("bolt", s.name, () => shortcut(s.callback_id, where.channel, m.ts))),
    own && item("edit", t("slack.edit"), () => edit(m, where, node)),
    item("trash", t("slack.delete"), () => attempt(() => slack("delete", { channel: where.channel, ts: m.ts }))),
    item("copy", t("slack.copy_ts"), () => navigator.clipboard.writeText(m.ts).then(() => say(t("copied")))));
}

function edit(m, where, node) {
  const body = node.querySelector(".m-body");
  const box = composer({
    label: t("slack.edit"), paragraphs: paragraphsOf(m),
    send: ({ paragraphs }) => attempt(() => slack("edit", { channel: where.channel, ts: m.ts, paragraphs })),
    cancel: () => node.replaceWith(message(m, where)),
  });
  fill(body, box.node);
  box.focus();
}

// ephemeral makes the node of what only one member sees.
export function ephemeral(e, where) {
  const workspace = store.slack.workspace;
  return h("article", { class: "message ephemeral", "aria-label": t("slack.only_you"), data: { ts: e.ts } },
    avatar(workspace.bot_user ?? "app", workspace.bot_name ?? "app", true),
    h("div", { class: "m-main" },
      h("div", { class: "m-note" }, icon("user", 12), h("span", { text: t("slack.only_you") })),
      h("div", { class: "m-head" }, h("span", { class: "m-name", text: workspace.bot_name }), h("span", { class: "badge", text: t("slack.app") }), h("time", { class: "m-time", text: time(ofTS(e.ts)) })),
      h("div", { class: "m-body" }, e.blocks?.length ? blocks(e.blocks, surface({ channel: where.channel, ts: e.ts })) : h("div", { class: "b-text" }, mrkdwn(e.text ?? "", ui.member))),
      h("button", { type: "button", class: "dismiss", text: t("slack.dismiss"), on: { click: () => attempt(() => slack("dismiss", { member: ui.member, channel: where.channel, ts: e.ts })) } })));
}

