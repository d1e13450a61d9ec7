// The six steps of the tour. A step does something, or lets the visitor do it, and looks at the real state until it has happened.
//
// begin notes what there was before; act is what "do it for me" does; holds looks whether it happened.
import { conversations, flushRedis, karte, slack } from "../api.js";
import { restoring } from "../behind/restore.js";
import { turn } from "../behind/faults.js";
import { apiConversation, customers } from "../shop/customers.js";
import { customerWrites } from "../shop/pane.js";
import { customerConversation, store, threadOf } from "../store.js";
import { t } from "../text/text.js";
import { go, ui } from "../ui.js";

const customer = () => customers().find((c) => c.key === ui.tour.customer);
const said = () => customerConversation(customer())?.messages ?? [];
const fromOperator = (kind) => said().filter((m) => m.kind === kind && m.sender === store.config.operator);
const conversation = () => apiConversation(customer());
const thread = () => { const c = conversation(); return c?.thread_ts ? threadOf(c.channel, c.thread_ts) : []; };
const marked = (name) => thread().filter((m) => m.user === store.config.member && (m.reactions ?? []).some((r) => r.name === name));
const told = () => store.slack.ephemerals.filter((e) => e.user === store.config.member && e.thread_ts === conversation()?.thread_ts).length;
const words = (m) => `${m.text} ${JSON.stringify(m.blocks ?? "")}`;
const shownOnce = (texts) => texts.every((text) => thread().filter((m) => m.bot_id && words(m).includes(text)).length === 1);

// inOrder tells that texts came one after the other, each once; one post may carry several.
const inOrder = (texts) => {
  const all = thread().filter((m) => m.bot_id).map(words).join("\n");
  const places = texts.map((text) => all.indexOf(text));
  return places.every((p, i) => p >= 0 && (i === 0 || p > places[i - 1]));
};

const reply = (text) => slack("write", { member: store.config.member, channel: conversation().channel, thread_ts: conversation().thread_ts, text });
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// until waits for what the page sees.
async function until(holds, within = 15000) {
  for (const end = Date.now() + within; Date.now() < end; await pause(100)) if (holds()) return;
}

const counts = () => ({ messages: fromOperator("message").length, notes: fromOperator("note").length, sent: marked("white_check_mark").length, noted: marked("memo").length, told: told() });

export const steps = [
  {
    key: "first", pane: "shop", tab: "path",
    begin: () => ({}),
    act: () => customerWrites(customer(), t("tour.first_text")),
    holds: () => thread().length > 0 && said().length > 0,
    after: () => go({ view: "channel", channel: conversation().channel, thread: conversation().thread_ts }),
  },
  {
    key: "send", pane: "slack", tab: "path", begin: counts,
    act: () => reply("```" + t("tour.send_text") + "```"),
    holds: (before) => fromOperator("message").length > before.messages && marked("white_check_mark").length > before.sent,
  },
  {
    key: "note", pane: "slack", tab: "path", begin: counts,
    act: () => reply(t("tour.note_text")),
    holds: (before) => fromOperator("note").length > before.notes && marked("memo").length > before.noted && fromOperator("message").length === before.messages,
  },
  {
    key: "mixed", pane: "slack", tab: "path", begin: counts,
    act: () => reply(`${t("tour.mixed_text")}\n\`\`\`${t("tour.mixed_block")}\`\`\``),
    holds: (before) => told() > before.told && fromOperator("message").length === before.messages,
  },
  {
    key: "down", pane: "behind", tab: "faults",
    begin: () => ({ texts: [1, 2, 3].map((n) => `${t("tour.down_text", { n })} ${Math.random().toString(36).slice(2, 7)}`), seen: false }),
    act: async (before) => {
      await turn("slack", "down");
      for (const text of before.texts) await customerWrites(customer(), text);
      await until(() => store.system.lanes.some((l) => l.kind === "post" && l.pending + l.in_flight > 0));
      await pause(2500);
      await turn("slack", "normal");
    },
    holds: (before) => shownOnce(before.texts) && inOrder(before.texts) && store.slack.faults.length === 0,
  },
  {
    key: "redis", pane: "behind", tab: "redis",
    begin: () => ({ text: `${t("tour.redis_text")} ${Math.random().toString(36).slice(2, 7)}`, thread: conversation()?.thread_ts }),
    act: async (before) => {
      await restoring(flushRedis);
      await customerWrites(customer(), before.text);
    },
    holds: (before) => shownOnce([before.text]) && conversation()?.thread_ts === before.thread,
  },
];

// prepare makes everything as the tour needs it: a customer nobody knows, assigned to the operator, and nothing broken.
export async function prepare(tourist) {
  await Promise.all([turn("slack", "normal"), turn("karte", "normal")]);
  await karte("assign", { customer: { visitor_id: tourist.visitor_id, user_id: "" }, operator: store.config.operator });
  await conversations("ListConversations", { parent: `projects/${store.config.project}`, page_size: 1 });
}
