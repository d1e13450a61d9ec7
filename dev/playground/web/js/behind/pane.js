// The pane behind the scenes: how messages go, what waits, what is kept, and how to break it.
import { fill, h } from "../dom.js";
import { on, store } from "../store.js";
import { lang, t } from "../text/text.js";
import { go, ui } from "../ui.js";
import { callsTab } from "./calls.js";
import { faultsTab } from "./faults.js";
import { pathTab } from "./path.js";
import { queuesTab } from "./queues.js";
import { redisTab } from "./records.js";
import { settingsTab } from "./settings.js";

const tabs = { path: pathTab, queues: queuesTab, faults: faultsTab, settings: settingsTab, redis: redisTab, calls: callsTab };

export function mountBehind(pane) {
  const title = h("h2");
  const list = h("div", { class: "tabs", role: "tablist" });
  const body = h("div", { class: "h-body", role: "tabpanel", tabindex: 0, id: "behind-body" });
  fill(pane, h("div", { class: "h-head" }, title, h("div", { class: "h-scroll" }, list)), body);
  const made = Object.fromEntries(Object.entries(tabs).map(([name, make]) => [name, make()]));
  let drawn = "";
  const draw = () => {
    pane.setAttribute("aria-label", t("pane.behind"));
    title.textContent = t("pane.behind");
    const broken = store.slack.faults.length + store.karte.faults.length + store.system.services.filter((s) => !s.ready).length;
    const sign = JSON.stringify([lang, ui.tab, broken]);
    if (sign !== drawn) {
      const keep = list.contains(document.activeElement);
      fill(list, Object.keys(tabs).map((name) => h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-selected": String(name === ui.tab), "aria-controls": "behind-body", tabindex: name === ui.tab ? 0 : -1, on: { click: () => go({ tab: name }), keydown: move } },
        t(`tab.${name}`), name === "faults" && broken > 0 && h("span", { class: "count-dot", text: broken }))));
      if (keep) document.getElementById(`tab-${ui.tab}`).focus();
    }
    drawn = sign;
    if (body.firstChild !== made[ui.tab].node) body.replaceChildren(made[ui.tab].node);
    body.setAttribute("aria-labelledby", `tab-${ui.tab}`);
    made[ui.tab].draw();
  };
  on(["ui", "slack", "karte", "system", "wire", "traces", "calls", "settings", "dead"], draw);
  draw();
}

function move(e) {
  const names = Object.keys(tabs);
  const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
  if (step) go({ tab: names[(names.indexOf(ui.tab) + step + names.length) % names.length] });
}

