// The interactive elements of Block Kit.
import { fill, h, icon } from "../dom.js";
import { store } from "../store.js";
import { t } from "../text/text.js";
import { confirmed } from "./confirm.js";
import { memberName, pictureSource, safe } from "./inline.js";
import { textObject } from "./mrkdwn.js";

// element answers the node of an element; id names the field for its label.
export function element(el, block, surface, id) {
  if (!el) return null;
  const make = kinds[el.type];
  if (!make) return h("span", { class: "unknown-block", text: t("slack.unknown_block", { type: el.type }) });
  const node = make(el, new Use(el, block, surface, id));
  if (el.action_id) node.dataset.action = el.action_id;
  return node;
}

// Use is one element where it stands: what it holds, and what happens when somebody uses it.
class Use {
  constructor(el, block, surface, id) {
    Object.assign(this, { el, block, surface, id });
    surface.values ??= {};
    const held = this.held();
    if (held === undefined && block.type) this.hold(this.initial(), true);
  }

  held() { return this.surface.values[this.block.block_id]?.[this.el.action_id]; }

  hold(value) { (this.surface.values[this.block.block_id] ??= {})[this.el.action_id] = { type: this.el.type, ...value }; }

  // initial answers what the app put in.
  initial() {
    const el = this.el;
    const out = {};
    for (const [from, to] of [["initial_value", "value"], ["initial_option", "selected_option"], ["initial_options", "selected_options"], ["initial_user", "selected_user"], ["initial_users", "selected_users"],
      ["initial_conversation", "selected_conversation"], ["initial_conversations", "selected_conversations"], ["initial_channel", "selected_channel"], ["initial_channels", "selected_channels"], ["initial_date", "selected_date"], ["initial_time", "selected_time"]]) {
      if (el[from] !== undefined) out[to] = el[from];
    }
    return out;
  }

  // use holds a value and, outside of inputs that wait for the submission, tells the app.
  async use(value, picked) {
    if (value) this.hold(value);
    if (this.block.type === "input" && !this.block.dispatch_action) return;
    if (this.el.confirm && !(await confirmed(this.el.confirm, this.surface.me))) return;
    await this.surface.act(this.el, this.block, picked);
  }
}

const label = (use) => (use.id ? {} : { "aria-label": use.el.accessibility_label ?? use.el.placeholder?.text ?? use.el.action_id ?? use.el.type });

const kinds = {
  button: (el, use) => {
    const style = { primary: " primary", danger: " danger" }[el.style] ?? "";
    const button = h("button", { type: "button", class: `b-button${style}`, "aria-label": el.accessibility_label }, textObject(el.text, use.surface.me), el.url && icon("external", 13));
    button.addEventListener("click", async () => {
      if (el.url && safe(el.url)) open(el.url, "_blank", "noopener,noreferrer");
      button.disabled = true;
      try {
        await use.use(null, {});
      } finally {
        button.disabled = false;
      }
    });
    return button;
  },
  image: (el) => {
    const source = pictureSource(el.image_url);
    return source ? h("img", { class: "b-thumb", src: source, alt: el.alt_text ?? "" }) : h("span", { class: "b-thumb none", role: "img", "aria-label": el.alt_text ?? "", title: el.image_url });
  },
  overflow: (el, use) => menu(el, use),
  static_select: (el, use) => select(use, optionsOf(el), use.held()?.selected_option?.value, (value, option) => ({ selected_option: option })),
  users_select: (el, use) => select(use, people(), use.held()?.selected_user, (value) => ({ selected_user: value })),
  channels_select: (el, use) => select(use, channels(), use.held()?.selected_channel, (value) => ({ selected_channel: value })),
  conversations_select: (el, use) => select(use, channels(), use.held()?.selected_conversation, (value) => ({ selected_conversation: value })),
  multi_static_select: (el, use) => many(use, optionsOf(el), (use.held()?.selected_options ?? []).map((o) => o.value), (values, options) => ({ selected_options: options })),
  multi_users_select: (el, use) => many(use, people(), use.held()?.selected_users ?? [], (values) => ({ selected_users: values })),
  multi_channels_select: (el, use) => many(use, channels(), use.held()?.selected_channels ?? [], (values) => ({ selected_channels: values })),
  multi_conversations_select: (el, use) => many(use, channels(), use.held()?.selected_conversations ?? [], (values) => ({ selected_conversations: values })),
  checkboxes: (el, use) => many(use, optionsOf(el), (use.held()?.selected_options ?? []).map((o) => o.value), (values, options) => ({ selected_options: options })),
  radio_buttons: (el, use) => radios(el, use),
  external_select: (el, use) => lookup(el, use),
  plain_text_input: (el, use) => text(el, use, "text"),
  email_text_input: (el, use) => text(el, use, "email"),
  url_text_input: (el, use) => text(el, use, "url"),
  number_input: (el, use) => text(el, use, "number"),
  datepicker: (el, use) => moment(use, "date", "selected_date"),
  timepicker: (el, use) => moment(use, "time", "selected_time"),
};

const optionsOf = (el) => (el.options ?? []).map((o) => ({ value: o.value, name: o.text?.text, option: o }))
  .concat((el.option_groups ?? []).flatMap((g) => g.options.map((o) => ({ value: o.value, name: o.text?.text, option: o, group: g.label?.text }))));
const people = () => [...store.slack.members.values()].filter((m) => !m.bot).map((m) => ({ value: m.id, name: memberName(m.id) }));
const channels = () => [...store.slack.channels.values()].filter((c) => !c.dm).map((c) => ({ value: c.id, name: `#${c.name}` }));

function select(use, options, held, holding) {
  const el = use.el;
  const make = (o) => h("option", { value: o.value, selected: o.value === held, text: o.name });
  const groups = [...new Set(options.map((o) => o.group))];
  const node = h("select", { class: "b-select", id: use.id, ...label(use), on: { change: () => {
    const option = options.find((o) => o.value === node.value);
    if (option) use.use(holding(option.value, option.option), { value: option.value, label: option.name });
  } } },
  h("option", { value: "", disabled: Boolean(held), hidden: Boolean(held), selected: !held, text: el.placeholder?.text ?? t("slack.choose") }),
  groups.map((group) => {
    const some = options.filter((o) => o.group === group).map(make);
    return group ? h("optgroup", { label: group }, some) : some;
  }));
  return node;
}

function many(use, options, held, holding) {
  const chosen = new Set(held);
  const told = (value, yes) => {
    if (yes) chosen.add(value); else chosen.delete(value);
    const values = options.filter((o) => chosen.has(o.value));
    use.use(holding(values.map((o) => o.value), values.map((o) => o.option)), { values: values.map((o) => o.value) });
  };
  return h("div", { class: "b-many", role: "group", id: use.id, ...label({ ...use, id: "" }) }, options.map((o) => h("label", { class: "b-choice" },
    h("input", { type: "checkbox", value: o.value, checked: chosen.has(o.value), on: { change: (e) => told(o.value, e.target.checked) } }),
    h("span", {}, o.option ? textObject(o.option.text, use.surface.me) : o.name, o.option?.description && h("small", {}, textObject(o.option.description, use.surface.me))))));
}

let radioSerial = 0;

function radios(el, use) {
  const name = `radio-${++radioSerial}`;
  const held = use.held()?.selected_option?.value;
  return h("div", { class: "b-many", role: "radiogroup", id: use.id, ...label({ ...use, id: "" }) }, optionsOf(el).map((o) => h("label", { class: "b-choice" },
    h("input", { type: "radio", name, value: o.value, checked: o.value === held, on: { change: () => use.use({ selected_option: o.option }, { value: o.value }) } }),
    h("span", {}, textObject(o.option.text, use.surface.me), o.option.description && h("small", {}, textObject(o.option.description, use.surface.me))))));
}

function menu(el, use) {
  const list = h("div", { class: "b-menu", role: "menu" }, (el.options ?? []).map((o) => h("button", { type: "button", role: "menuitem", on: { click: () => {
    node.open = false;
    if (o.url && safe(o.url)) open(o.url, "_blank", "noopener,noreferrer");
    use.use(null, { value: o.value, label: o.text?.text });
  } } }, textObject(o.text, use.surface.me), o.description && h("small", {}, textObject(o.description, use.surface.me)))));
  const node = h("details", { class: "b-overflow" }, h("summary", { class: "b-button", "aria-label": t("slack.more") }, icon("more")), list);
  return node;
}

// lookup is a menu that the app fills while one types.
function lookup(el, use) {
  const list = h("div", { class: "b-found", role: "listbox", "aria-label": el.placeholder?.text ?? t("slack.choose") });
  let asked = 0;
  const ask = async () => {
    const least = el.min_query_length ?? 3;
    if (field.value.length < least) { fill(list, h("p", { text: t("slack.type_more", { n: least }) })); return; }
    const turn = ++asked;
    const found = await use.surface.suggest(el, use.block, field.value);
    if (turn !== asked) return;
    const options = (found?.options ?? []).concat((found?.option_groups ?? []).flatMap((g) => g.options));
    fill(list, options.length ? options.map(row) : h("p", { text: t("slack.nothing_found") }));
  };
  const row = (o) => h("button", { type: "button", role: "option", "aria-selected": "false", on: { click: () => {
    field.value = o.text?.text ?? o.value;
    list.replaceChildren();
    use.use({ selected_option: o }, { value: o.value, label: o.text?.text });
  } } }, textObject(o.text, use.surface.me), o.description && h("small", {}, textObject(o.description, use.surface.me)));
  const field = h("input", { type: "text", class: "b-text-input", id: use.id, autocomplete: "off", placeholder: el.placeholder?.text ?? t("slack.search"), value: use.held()?.selected_option?.text?.text ?? "", ...label(use), on: { input: ask, focus: () => field.closest(".settling") || ask() } });
  return h("div", { class: "b-lookup" }, field, list);
}

function text(el, use, type) {
  const told = (value) => use.use({ value: value || null }, { value });
  const props = {
    class: "b-text-input", id: use.id, placeholder: el.placeholder?.text, value: use.held()?.value ?? "", maxlength: el.max_length, minlength: el.min_length, min: el.min_value, max: el.max_value, ...label(use),
    on: { input: (e) => use.hold({ value: e.target.value || null }), change: (e) => use.block.dispatch_action && told(e.target.value) },
  };
  const field = el.multiline ? h("textarea", { ...props, rows: 4 }) : h("input", { ...props, type, step: el.is_decimal_allowed ? "any" : null });
  return field;
}

const moment = (use, type, name) => h("input", { type, class: "b-text-input", id: use.id, value: use.held()?.[name] ?? "", ...label(use), on: { change: (e) => use.use({ [name]: e.target.value || null }, { value: e.target.value }) } });

