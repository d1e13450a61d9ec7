// What Redis holds. It is an index of what NATS keeps, and the home of the settings.
import { flushRedis } from "../api.js";
import { fill, h, keyed } from "../dom.js";
import { store } from "../store.js";
import { lang, t } from "../text/text.js";
import { attempt } from "../ui.js";
import { restoring } from "./restore.js";

export function redisTab() {
  const about = h("p", { class: "quiet" });
  const buttons = h("div", { class: "row" });
  const list = h("div", { class: "r-list" });
  const node = h("div", {}, about, buttons, list);
  return { node, draw: () => {
    const redis = store.system.redis;
    about.textContent = redis.problem || t("redis.about", { n: redis.total });
    if (buttons.dataset.sign !== lang) {
      buttons.dataset.sign = lang;
      fill(buttons, h("button", { type: "button", class: "b-button danger small", text: "FLUSHALL", on: { click: () => attempt(flushRedis) } }), h("button", { type: "button", class: "b-button small", text: t("redis.flush_restore"), on: { click: () => attempt(() => restoring(flushRedis)) } }));
    }
    keyed(list, redis.records, (r) => r.key, (r) => r.value + r.kind, (r) => h("details", {}, h("summary", {}, h("code", { text: r.key }), h("span", { class: "badge", text: r.kind })), h("pre", { class: "code", tabindex: 0, text: r.value })));
  } };
}
