// What the page knows of the stack, and who wants to hear of changes.

export const store = {
  config: null,
  slack: { workspace: { members: [], groups: [], shortcuts: [], commands: [] }, members: new Map(), channels: new Map(), ephemerals: [], views: [], faults: [], pending: 0, undelivered: 0 },
  karte: { conversations: new Map(), order: [], hooks: [], faults: [], waiting: 0 },
  system: { services: [], streams: [], lanes: [], redis: { total: 0, records: [] } },
  conversations: [], // of the gRPC API
  connected: false,
};

const listeners = new Map();
const due = new Set();

// on calls back after a change of any of the topics, once for many changes.
export function on(topics, listener) {
  for (const topic of [topics].flat()) {
    if (!listeners.has(topic)) listeners.set(topic, new Set());
    listeners.get(topic).add(listener);
  }
  return () => { for (const topic of [topics].flat()) listeners.get(topic).delete(listener); };
}

// changed tells that something about topics changed.
export function changed(...topics) {
  if (due.size === 0) queueMicrotask(tell);
  for (const topic of topics) for (const listener of listeners.get(topic) ?? []) due.add(listener);
  if (due.size === 0) due.add(nobody);
}

function nobody() {}

function tell() {
  const now = [...due];
  due.clear();
  for (const listener of now) listener();
}

// takeSlack takes what the events of the server say of Slack.
export function takeSlack(change) {
  const slack = store.slack;
  if (change.reset) slack.channels = new Map();
  if (change.workspace) {
    slack.workspace = { ...change.workspace, shortcuts: change.workspace.shortcuts ?? [], commands: change.workspace.commands ?? [], groups: change.workspace.groups ?? [] };
    slack.members = new Map(slack.workspace.members.map((m) => [m.id, m]));
  }
  for (const c of change.channels ?? []) takeChannel(c);
  for (const part of ["ephemerals", "views", "faults"]) if (change[part]) slack[part] = change[part];
  slack.pending = change.pending;
  slack.undelivered = change.undelivered;
  changed("slack");
}

function takeChannel(change) {
  const known = store.slack.channels.get(change.channel.id) ?? { messages: new Map(), threads: new Map() };
  const channel = { ...change.channel, messages: known.messages, threads: known.threads, version: (known.version ?? 0) + 1 };
  for (const ts of change.remove ?? []) {
    const m = channel.messages.get(ts);
    channel.messages.delete(ts);
    if (m?.thread_ts) channel.threads.get(m.thread_ts)?.delete(ts);
  }
  for (const m of change.put ?? []) {
    channel.messages.set(m.ts, m);
    if (!m.thread_ts || m.thread_ts === m.ts) continue;
    if (!channel.threads.has(m.thread_ts)) channel.threads.set(m.thread_ts, new Set());
    channel.threads.get(m.thread_ts).add(m.ts);
  }
  store.slack.channels.set(channel.id, channel);
}

// byTS orders messages as Slack does.
export const byTS = (a, b) => (a.ts.length - b.ts.length) || (a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : 0);

// threadOf answers a head and its replies.
export function threadOf(channelID, ts) {
  const channel = store.slack.channels.get(channelID);
  const head = channel?.messages.get(ts);
  if (!channel) return [];
  const replies = [...(channel.threads.get(ts) ?? [])].map((t) => channel.messages.get(t)).filter(Boolean);
  return (head ? [head] : []).concat(replies).sort(byTS);
}

// takeKARTE does the same for KARTE.
export function takeKARTE(change) {
  const karte = store.karte;
  if (change.reset) Object.assign(karte, { conversations: new Map(), hooks: [] });
  for (const c of change.conversations ?? []) {
    const before = karte.conversations.get(c.key)?.messages ?? [];
    karte.conversations.set(c.key, { ...c, messages: before.slice(0, c.from).concat(c.messages) });
  }
  if (change.order) {
    karte.order = change.order;
    for (const key of [...karte.conversations.keys()]) if (!karte.order.includes(key)) karte.conversations.delete(key);
  }
  for (const hook of change.hooks ?? []) karte.hooks[hook.place] = hook;
  if (change.faults) karte.faults = change.faults;
  karte.waiting = change.waiting;
  changed("karte");
}

// customerConversation answers what KARTE has of a customer.
export function customerConversation(customer) {
  for (const c of store.karte.conversations.values()) {
    if (c.ids.includes(customer.user_id) || c.ids.includes(customer.visitor_id)) return c;
  }
  return null;
}
