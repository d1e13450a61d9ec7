// Every call that the page made and every hook that KARTE sent, to be done again in a terminal.
import { calls, hookCurl } from "../api.js";
import { h, keyed } from "../dom.js";
import { store } from "../store.js";
import { exact, lang, t } from "../text/text.js";
import { copyButton } from "./copy.js";

export function callsTab() {
  const titles = [h("h3"), h("h3")];
  const about = h("p", { class: "quiet" });
  const hooks = h("div", { class: "k-list" });
  const list = h("div", { class: "k-list" });
  const node = h("div", {}, about, titles[0], hooks, titles[1], list);
  return { node, draw: () => {
    about.textContent = t("calls.about");
    titles[0].textContent = t("calls.hooks");
    titles[1].textContent = t("calls.page");
    keyed(hooks, store.karte.hooks.filter(Boolean).slice(-20).reverse(), (k) => `${k.place} hook`, (k) => `${k.attempts} ${k.status} ${lang}`, (k) => row(k.type, k.accepted ? `${k.status}` : k.error || t("calls.not_yet"), k.accepted > 0, [copyButton(() => hookCurl(k))]));
    keyed(list, calls, (c) => `${c.serial} call`, (c) => `${c.status} ${lang}`, (c) => row(c.title, c.status ?? "…", c.status === 200, [copyButton(c.curl), c.grpcurl && copyButton(c.grpcurl, "grpcurl")], exact(c.at)));
  } };
}

const row = (title, status, good, buttons, at) => h("div", { class: "k-row", title: at }, h("code", { text: title }), h("span", { class: `k-status ${good ? "good" : "bad"}`, text: status }), buttons);
