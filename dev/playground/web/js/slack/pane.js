// The pane that is Slack: sidebar, a channel with its thread, the app's Home.
import { slack } from "../api.js";
import { blocks } from "../blockkit/blocks.js";
import { memberName } from "../blockkit/inline.js";
import { fill, h, icon, keyed } from "../dom.js";
import { byTS, on, store, threadOf } from "../store.js";
import { day, lang, ofTS, t } from "../text/text.js";
import { attempt, go, ui } from "../ui.js";
import { command, shortcut, surface } from "./act.js";
import { composer } from "./composer.js";
import { textOf } from "./runs.js";
import { avatar, countOf, ephemeral, message } from "./message.js";

export function mountSlack(pane) {
  pane.setAttribute("aria-label", "Slack");
  const side = h("nav", { class: "s-side", "aria-label": t("slack.sidebar") });
  const main = h("div", { class: "s-main" });
  const thread = h("aside", { class: "s-thread", "aria-label": t("slack.thread"), hidden: true });
  fill(pane, h("h2", { class: "unseen", text: "Slack" }), h("div", { class: "s-frame" }, side, main, thread));
  const views = { side: sidebar(side), channel: channelView(main), home: homeView(main), thread: threadView(thread) };
  let shown = "";
  const draw = () => {
    views.side();
    const key = ui.view === "home" ? `home ${ui.member}` : `channel ${ui.channel}`;
    if (key !== shown) main.replaceChildren();
    shown = key;
    if (ui.view === "home") views.home(); else views.channel();
    pane.classList.toggle("with-thread", Boolean(ui.thread) && ui.view !== "home");
    views.thread();
  };
  on(["slack", "ui"], draw);
  draw();
}

const visible = (c) => (c.dm ? c.members.includes(ui.member) : !c.private || c.members.includes(ui.member));
const roleName = (id) => (store.config.roles[id] ? t(`role.${store.config.roles[id]}`) : "");

function sidebar(side) {
  const who = h("select", { class: "who", "aria-label": t("slack.you_are"), on: { change: () => be(who.value) } });
  const list = h("div", { class: "s-list" });
  fill(side, h("div", { class: "s-team" }, h("strong", { text: "Demo" })), h("div", { class: "s-who" }, who), list);
  return () => {
    const people = [...store.slack.members.values()].filter((m) => !m.bot);
    keyed(who, people, (m) => m.id, (m) => m.display_name + m.real_name, (m) => h("option", { value: m.id, text: `${memberName(m.id)}${roleName(m.id) ? ` · ${roleName(m.id)}` : ""}` }));
    if (who.value !== ui.member) who.value = ui.member;
    const channels = [...store.slack.channels.values()].filter((c) => visible(c) && !c.dm);
    const row = (on, mark, text, click, opens) => h("button", { type: "button", class: on ? "on" : null, "aria-current": on ? "page" : null, data: opens ? { open: opens } : {}, on: { click } }, mark, h("span", { text }));
    const rows = [
      h("h3", { text: t("slack.channels") }),
      channels.map((c) => row(ui.view === "channel" && ui.channel === c.id, icon(c.private ? "lock" : "hash", 13), c.name, () => go({ view: "channel", channel: c.id, thread: "" }))),
      row(false, icon("plus", 13), t("slack.add_channel"), addChannel),
      h("h3", { text: t("slack.apps") }),
      row(ui.view === "home", avatar(store.slack.workspace.bot_user ?? "", "", true, "tiny"), store.slack.workspace.bot_name ?? "", openHome, "home"),
    ];
    const dm = store.slack.channels.get(`D${ui.member.slice(1)}`);
    if (dm) rows.push(row(ui.view === "channel" && ui.channel === dm.id, avatar(store.slack.workspace.bot_user ?? "", "", true, "tiny"), t("slack.messages"), () => go({ view: "channel", channel: dm.id, thread: "" })));
    const global = store.slack.workspace.shortcuts.filter((s) => s.type === "global");
    if (global.length) rows.push(h("h3", { text: t("slack.shortcuts") }), global.map((s) => row(false, icon("bolt", 13), s.name, () => shortcut(s.callback_id))));
    const sign = JSON.stringify([lang, ui.view, ui.channel, ui.member, channels.map((c) => [c.id, c.name]), Boolean(dm), store.slack.workspace.shortcuts]);
    if (side.dataset.sign !== sign) {
      fill(list, rows);
      const chosen = list.querySelector("[aria-current]"); // on a phone the list is one row, which may be longer than the screen
      if (chosen) list.scrollLeft = Math.max(0, chosen.offsetLeft + chosen.offsetWidth - list.clientWidth);
    }
    side.dataset.sign = sign;
  };
}

// be goes on as somebody else; Slack asks for the Home of whoever looks at it.
const be = (member) => {
  go({ member });
  if (ui.view === "home") openHome();
};

export const openHome = () => {
  go({ view: "home", thread: "" });
  return attempt(() => slack("home", { member: ui.member }));
};

function addChannel() {
  const name = h("input", { type: "text", id: "channel-name", maxlength: 40, required: true, class: "b-text-input", autocomplete: "off" });
  const close = () => { dialog.close(); dialog.remove(); };
  const make = async (e) => {
    e.preventDefault();
    const id = `C0${[...name.value.toUpperCase()].filter((c) => /[A-Z0-9]/.test(c)).join("").slice(0, 8) || "MORE"}${store.slack.channels.size}`;
    close();
    await attempt(async () => {
      await slack("channels", { id, name: name.value, members: [ui.member] });
      await slack("bot/invite", { member: ui.member, channel: id });
      go({ view: "channel", channel: id, thread: "" });
    });
  };
  const dialog = h("dialog", { class: "modal small", "aria-labelledby": "new-channel", on: { cancel: () => dialog.remove() } }, h("form", { on: { submit: make } },
    h("header", {}, h("h2", { id: "new-channel", text: t("slack.add_channel") })),
    h("div", { class: "modal-body" }, h("label", { for: "channel-name", text: t("slack.channel_name") }), name),
    h("footer", {}, h("button", { type: "button", class: "b-button", text: t("cancel"), on: { click: close } }), h("button", { type: "submit", class: "b-button primary solid", text: t("slack.create") }))));
  document.body.append(dialog);
  dialog.showModal();
}

// asTyped is what a call says of paragraphs: a text where nothing in them is formatted or could be taken for a mark, which is easier to read in a
// terminal.
function asTyped(paragraphs) {
  const plain = paragraphs.every((p) => ["text", "code"].includes(p.kind) && p.runs.every((run) => !run.bold && !run.italic && !run.strike && !run.code && (p.kind === "code" || !/[*_~`]|^(>|[•-] |\d+\. )/m.test(run.text))));
  return plain ? { text: paragraphs.map((p) => (p.kind === "code" ? `\`\`\`${textOf(p.runs)}\`\`\`` : textOf(p.runs))).join("\n") } : { paragraphs };
}

// sendAs sends what was composed, as a message or a command.
const sendAs = (channel, thread) => async ({ text, paragraphs }) => {
  const slash = /^(\/[\w-]+)(?:\s+([\s\S]*))?$/.exec(text);
  if (slash && !thread) { await command(channel, slash[1], slash[2] ?? ""); return; }
  await attempt(() => slack("write", { member: ui.member, channel, thread_ts: thread, ...asTyped(paragraphs) }));
};

// scroller is a list of rows that shows its end; scrolling back in it is up to whoever reads.
function scroller(label, kind = "") {
  const rows = h("div", { class: `s-rows ${kind}` });
  return { rows, node: h("div", { class: "s-messages", tabindex: 0, role: "region", "aria-label": label }, rows) };
}

// toEnd shows the end again, which is where what one wrote is.
const toEnd = (list, send) => async (what) => {
  list.node.scrollTop = 0;
  await send(what);
};

function channelView(main) {
  let drawn = "";
  let list, head, box;
  const build = (channel) => {
    list = scroller(t("slack.messages_of", { name: channel.name }), "channel-rows");
    head = h("header", { class: "s-head" });
    box = composer({ label: t("slack.message_to", { name: channel.dm ? store.slack.workspace.bot_name : `#${channel.name}` }), placeholder: t("slack.message_to", { name: channel.dm ? store.slack.workspace.bot_name : `#${channel.name}` }), commands: true, send: toEnd(list, sendAs(channel.id, "")) });
    fill(main, head, list.node, box.node);
  };
  return () => {
    const channel = store.slack.channels.get(ui.channel);
    if (!channel) return;
    const fresh = !main.firstChild || drawn !== `${ui.channel} ${lang}`;
    if (fresh) build(channel);
    drawn = `${ui.channel} ${lang}`;
    fill(head, channelHead(channel));
    const rows = withDays([...channel.messages.values()].filter((m) => !m.thread_ts || m.thread_ts === m.ts || m.subtype === "thread_broadcast").sort(byTS).concat(privately(channel.id, "")).sort(byTS));
    draw(list.rows, rows, { channel: channel.id, inChannel: true });
  };
}

const privately = (channel, thread) => store.slack.ephemerals.filter((e) => e.channel === channel && e.user === ui.member && (e.thread_ts ?? "") === thread).map((e) => ({ ...e, private: true, sign: JSON.stringify(e) }));

function withDays(messages) {
  const rows = [];
  let last = "";
  for (const m of messages) {
    const today = ofTS(m.ts).toDateString();
    if (today !== last) rows.push({ divider: true, ts: `day ${today}`, at: ofTS(m.ts) });
    last = today;
    rows.push(m);
  }
  return rows;
}

function draw(list, rows, where) {
  // The avatars and names in a summary are of people that may have become known later.
  keyed(list, rows, (r) => (r.private ? `private ${r.ts}` : r.ts), (r) => (r.divider ? r.ts + lang : [r.private ? r.sign : r, ui.member, lang, where.inChannel, store.slack.workspace]),
    (r) => (r.divider ? h("div", { class: "day" }, h("span", { text: day(r.at) })) : r.private ? ephemeral(r, where) : message(r, where)));
}

function channelHead(channel) {
  const bot = channel.members.includes(store.slack.workspace.bot_user);
  const people = channel.members.filter((id) => !store.slack.members.get(id)?.bot).length;
  if (channel.dm) return [h("h3", {}, avatar("app", "", true, "tiny"), store.slack.workspace.bot_name), h("span")];
  return [
    h("h3", {}, icon(channel.private ? "lock" : "hash", 15), channel.name, channel.archived && h("span", { class: "badge", text: t("slack.archived") })),
    h("span", { class: "s-about" }, h("span", { class: "quiet", text: t("slack.people", { n: people }) }),
      h("button", { type: "button", class: `b-button small${bot ? "" : " primary solid"}`, data: { order: "bot" }, text: bot ? t("slack.remove_app") : t("slack.invite_app"), on: { click: () => attempt(() => slack(bot ? "bot/remove" : "bot/invite", { member: ui.member, channel: channel.id })) } })),
  ];
}

function threadView(aside) {
  let drawn = "";
  let list;
  const build = (channel) => {
    list = scroller(t("slack.thread"));
    const box = composer({ label: t("slack.reply"), placeholder: t("slack.reply"), send: toEnd(list, sendAs(channel.id, ui.thread)) });
    fill(aside, h("header", { class: "s-head" },
      h("h3", {}, h("button", { type: "button", class: "plain back", "aria-label": t("slack.back"), on: { click: () => go({ thread: "" }) } }, icon("back")), t("slack.thread"), h("span", { class: "quiet", text: channel.dm ? "" : `#${channel.name}` })),
      h("button", { type: "button", class: "plain shut", "aria-label": t("slack.close_thread"), on: { click: () => go({ thread: "" }) } }, icon("close"))), list.node, box.node);
  };
  return () => {
    const channel = store.slack.channels.get(ui.channel);
    aside.hidden = !ui.thread || ui.view === "home" || !channel;
    if (aside.hidden) { drawn = ""; aside.replaceChildren(); return; }
    const key = `${ui.channel} ${ui.thread} ${lang}`;
    const fresh = key !== drawn;
    if (fresh) build(channel);
    drawn = key;
    const all = threadOf(ui.channel, ui.thread);
    const [head, ...replies] = all;
    const rows = (head ? [head] : []).concat(replies.length ? [{ divider: true, ts: "count", count: replies.length }] : [], replies.concat(privately(ui.channel, ui.thread)).sort(byTS));
    keyed(list.rows, rows, (r) => (r.private ? `private ${r.ts}` : r.ts), (r) => (r.divider ? r.count + lang : [r.private ? r.sign : r, ui.member, lang, store.slack.workspace]),
      (r) => (r.divider ? h("div", { class: "count" }, h("span", { text: countOf(r.count) })) : r.private ? ephemeral(r, { channel: ui.channel }) : message(r, { channel: ui.channel })));
    if (fresh && all.length) performance.mark("thread-shown");
  };
}

function homeView(main) {
  let drawn = "";
  return () => {
    const view = store.slack.views.find((v) => v.user === ui.member && v.body.type === "home");
    const sign = `${ui.member} ${view?.hash ?? ""} ${lang}`;
    if (main.firstChild && sign === drawn) return;
    drawn = sign;
    fill(main, h("header", { class: "s-head" }, h("h3", {}, avatar("app", "", true, "tiny"), store.slack.workspace.bot_name), h("span", { class: "quiet", text: t("slack.home") })),
      h("div", { class: "s-home", tabindex: 0, role: "region", "aria-label": t("slack.home") }, view ? blocks(view.body.blocks, surface({ view_id: view.id })) : h("p", { class: "quiet", text: t("slack.no_home") })));
  };
}
