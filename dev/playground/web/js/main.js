// The page begins here.
import { mountBehind } from "./behind/pane.js";
import { follow } from "./behind/traces.js";
import { fill, h, icon } from "./dom.js";
import { listen } from "./live.js";
import { mountShop } from "./shop/pane.js";
import { mountModal } from "./slack/modal.js";
import { mountSlack } from "./slack/pane.js";
import { changed, on, store } from "./store.js";
import { lang, speak, t } from "./text/text.js";
import { mountTour, startTour } from "./tour/tour.js";
import { begin, go, ui } from "./ui.js";

const at = (id) => document.getElementById(id);

async function main() {
  speak(lang);
  dress(theme());
  store.config = await (await fetch("/api/config")).json();
  begin();
  listen();
  mountTop(at("top"));
  mountTour(at("tour"));
  mountShop(at("shop"));
  mountSlack(at("slack"));
  mountBehind(at("behind"));
  mountPanes(at("panes"));
  mountModal();
  follow();
  document.body.dataset.ready = "yes";
}

function theme() {
  return new URLSearchParams(location.search).get("theme") ?? localStorage.getItem("theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

function dress(name) {
  document.documentElement.dataset.theme = name;
}

function mountTop(top) {
  const draw = () => {
    const sign = JSON.stringify([lang, store.connected, document.documentElement.dataset.theme, Boolean(ui.tour)]);
    if (top.dataset.sign === sign) return;
    top.dataset.sign = sign;
    fill(top,
      h("h1", {}, h("img", { src: "icon.svg", alt: "", width: 26, height: 26 }), h("span", { class: "name", text: "Slack Talk" }), h("span", { class: "sub", text: t("playground") })),
      h("p", { class: "lead", text: t("lead") }),
      h("div", { class: "top-buttons" },
        !store.connected && h("span", { class: "badge warn", text: t("not_connected") }),
        h("button", { type: "button", class: "b-button primary solid", data: { tour: "start" }, on: { click: startTour } }, icon("flag", 14), t(ui.tour ? "tour.restart" : "tour.start")),
        h("button", { type: "button", class: "b-button", "aria-label": t("other_language_label"), data: { language: lang === "ja" ? "en" : "ja" }, text: lang === "ja" ? "English" : "日本語", on: { click: () => { speak(lang === "ja" ? "en" : "ja"); const url = new URL(location.href); url.searchParams.delete("lang"); location.replace(url); } } }),
        h("button", { type: "button", class: "b-button square", "aria-label": t("theme"), title: t("theme"), on: { click: () => { const name = document.documentElement.dataset.theme === "dark" ? "light" : "dark"; localStorage.setItem("theme", name); dress(name); changed("ui"); } } }, icon("moon", 15))));
  };
  on(["connected", "ui"], draw);
  draw();
}

// mountPanes is how one goes from pane to pane on a phone.
function mountPanes(nav) {
  const draw = () => {
    document.body.dataset.pane = ui.pane;
    nav.setAttribute("aria-label", t("panes"));
    fill(nav, [["shop", "shop"], ["slack", "hash"], ["behind", "gauge"]].map(([name, drawing]) => h("button", { type: "button", class: name === ui.pane ? "on" : null, "aria-current": name === ui.pane ? "true" : null, data: { pane: name }, on: { click: () => go({ pane: name }) } }, icon(drawing, 18), h("span", { text: t(`pane.${name}`) }))));
  };
  on("ui", draw);
  draw();
}

main();
