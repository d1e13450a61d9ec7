// The team's settings and people's links, through the real API.
import { grpc, settings } from "../api.js";
import { fill, h } from "../dom.js";
import { memberName } from "../blockkit/inline.js";
import { changed, store } from "../store.js";
import { lang, t } from "../text/text.js";
import { attempt, say } from "../ui.js";
import { copyButton } from "./copy.js";
import { curl } from "../api.js";

const known = { seen: -1, team: null, operators: [], checks: null, running: false };
const policies = ["MENTION_POLICY_NOBODY", "MENTION_POLICY_HERE", "MENTION_POLICY_CHANNEL", "MENTION_POLICY_TARGETS"];
const project = () => `projects/${store.config.project}`;

export function settingsTab() {
  const form = h("form", { class: "t-form" });
  const links = h("div", { class: "t-links" });
  const doctor = h("div", { class: "t-doctor" });
  const node = h("div", {}, form, links, doctor);
  return { node, draw: () => {
    look();
    drawForm(form);
    drawLinks(links);
    drawDoctor(doctor);
  } };
}

// look asks again when somebody changed something: every change leaves an audit entry.
async function look(force = false) {
  const audits = `${store.system.streams.find((s) => s.name === "AUDIT")?.messages ?? 0} ${store.system.redis.total}`;
  if (!force && (known.seen === audits || known.busy)) return;
  known.seen = audits;
  known.busy = true;
  try {
    known.team = (await settings("GetTeamSettings", { name: `${project()}/teamSettings` })).team_settings;
    known.operators = (await settings("ListOperators", { parent: project() })).operators;
  } catch { /* the router is away, or KARTE: what was known stays */ }
  known.busy = false;
  changed("settings");
}

function drawForm(form) {
  const team = known.team;
  const sign = JSON.stringify([lang, team, [...store.slack.channels.values()].map((c) => c.name)]);
  if (form.dataset.sign === sign) return;
  form.dataset.sign = sign;
  if (!team) { fill(form, h("p", { class: "quiet", text: "…" })); return; }
  const field = (name, input) => h("div", { class: "t-row" }, h("label", { for: `set-${name}`, text: t(`set.${name}`) }), input);
  const check = (name) => field(name, h("input", { type: "checkbox", id: `set-${name}`, name, checked: team[name], on: { change: (e) => save({ [name]: e.target.checked }) } }));
  const choose = (name, options, value) => field(name, h("select", { id: `set-${name}`, name, on: { change: (e) => save({ [name]: e.target.value }) } }, options.map(([v, text]) => h("option", { value: v, text, selected: v === value }))));
  const channels = [...store.slack.channels.values()].filter((c) => !c.dm).map((c) => [c.id, `#${c.name}`]);
  fill(form, h("h3", { text: t("set.team") }), check("notifications_enabled"), check("thread_replies_enabled"), choose("channel", channels, team.channel),
    choose("mention_policy", policies.map((p) => [p, t(`set.${p}`)]), team.mention_policy), choose("language", [["ja", "日本語"], ["en", "English"]], team.language || "ja"),
    h("div", { class: "t-row" }, h("span", { class: "quiet", text: "etag" }), h("code", { text: team.etag })),
    copyButton(() => curl("POST", `${location.origin}/api/grpc/slacktalk.settings.v1.SettingsService/GetTeamSettings`, { name: team.name })));
}

async function save(change) {
  await attempt(async () => {
    const masked = Object.keys(change).join(",").replace(/_(\w)/g, (_, c) => c.toUpperCase());
    await settings("UpdateTeamSettings", { team_settings: { name: `${project()}/teamSettings`, etag: known.team.etag, ...change }, update_mask: masked });
    say(t("saved"));
  });
  look(true);
}

function drawLinks(node) {
  const sign = JSON.stringify([lang, known.operators, [...store.slack.members.keys()]]);
  if (node.dataset.sign === sign) return;
  node.dataset.sign = sign;
  const people = [...store.slack.members.values()].filter((m) => !m.bot);
  fill(node, h("h3", { text: t("set.links") }), known.operators.map((o) => {
    const id = o.name.split("/").at(-1);
    const choice = h("select", { id: `link-${id}`, on: { change: () => link(o, choice.value) } }, h("option", { value: "", text: t("set.not_linked"), selected: !o.slack_member }), people.map((m) => h("option", { value: m.id, text: memberName(m.id), selected: m.id === o.slack_member })));
    return h("div", { class: "t-row" }, h("label", { for: `link-${id}`, text: o.display_name }), choice);
  }));
}

async function link(operator, member) {
  await attempt(() => (member ? settings("SetOperatorLink", { operator_link: { name: operator.name, slack_member: member, display_name: operator.display_name } }) : settings("DeleteOperatorLink", { name: operator.name })));
  look(true);
}

function drawDoctor(node) {
  const sign = JSON.stringify([lang, known.checks, known.running]);
  if (node.dataset.sign === sign) return;
  node.dataset.sign = sign;
  const run = async () => {
    known.running = true;
    changed("settings");
    await attempt(async () => { known.checks = (await grpc("slacktalk.admin.v1.DiagnosticsService", "RunDiagnostics", { parent: project() }, true)).filter((p) => p.result).map((p) => p.result); });
    known.running = false;
    changed("settings");
  };
  fill(node, h("h3", { text: t("set.doctor") }), h("button", { type: "button", class: "b-button small", disabled: known.running, text: known.running ? "…" : t("set.run_doctor"), on: { click: run } }),
    known.checks && h("ul", { class: "t-checks" }, known.checks.map((c) => h("li", { class: c.verdict.replace("VERDICT_", "").toLowerCase() }, h("strong", { text: c.title }), h("p", { text: c.found }), c.fix && h("p", { class: "t-fix", text: c.fix })))));
}
