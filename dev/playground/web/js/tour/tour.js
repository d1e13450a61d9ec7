// The guided tour: a bar over the page that tells what to do, and sees when it is done.
import { fill, h, icon } from "../dom.js";
import { another } from "../shop/customers.js";
import { on, store } from "../store.js";
import { lang, t } from "../text/text.js";
import { attempt, go, say, ui } from "../ui.js";
import { prepare, steps } from "./steps.js";

export async function startTour() {
  const tourist = another("tour");
  go({ member: store.config.member, channel: store.config.channel, view: "channel", thread: "", page: "orders" });
  await attempt(() => prepare(tourist));
  enter(0, tourist.key);
}

function enter(step, customer = ui.tour?.customer) {
  const { pane, tab, begin } = steps[step];
  go({ tour: { step, customer, done: ui.tour?.customer === customer ? ui.tour.done : [], before: null, acting: false }, tab, pane, customer });
  go({ tour: { ...ui.tour, before: begin() } });
}

export const endTour = () => go({ tour: null });

export function mountTour(bar) {
  let drawn = "";
  const draw = () => {
    const tour = ui.tour;
    bar.hidden = !tour;
    if (!tour) { drawn = ""; bar.replaceChildren(); return; }
    if (look(tour)) return;
    const sign = JSON.stringify([lang, tour.step, tour.done, tour.acting]);
    if (sign === drawn) return;
    drawn = sign;
    bar.setAttribute("aria-label", t("tour.title"));
    render(bar, tour);
  };
  on(["ui", "slack", "karte", "system", "traces"], draw);
  if (ui.tour?.acting) go({ tour: { ...ui.tour, acting: false } }); // a reload in the middle
  draw();
}

// look notes a step that has happened.
function look(tour) {
  const step = steps[tour.step];
  if (tour.done.includes(step.key) || !tour.before || !holds(step, tour)) return false;
  go({ tour: { ...tour, done: [...tour.done, step.key], acting: false } });
  step.after?.();
  say(t("tour.done"));
  return true;
}

function holds(step, tour) {
  try {
    return step.holds(tour.before);
  } catch {
    return false; // what it looks at is not there yet
  }
}

function render(bar, tour) {
  const step = steps[tour.step];
  const done = tour.done.includes(step.key);
  const last = tour.step === steps.length - 1;
  const act = async () => {
    go({ tour: { ...ui.tour, acting: true } });
    await attempt(() => step.act(ui.tour.before));
    if (ui.tour) go({ tour: { ...ui.tour, acting: false } });
  };
  fill(bar,
    h("ol", { class: "t-steps" }, steps.map((s, i) => h("li", { class: `${i === tour.step ? "now" : ""} ${tour.done.includes(s.key) ? "done" : ""}`, "aria-current": i === tour.step ? "step" : null }, h("button", { type: "button", disabled: i > tour.done.length, "aria-label": t("tour.step_n", { n: i + 1, title: t(`tour.${s.key}`) }), on: { click: () => enter(i) } }, tour.done.includes(s.key) ? icon("check", 12) : i + 1)))),
    h("div", { class: "t-words", data: { step: step.key, done } }, h("h2", { text: t(`tour.${step.key}`) }), h("p", { text: done ? t(`tour.${step.key}_done`) : t(`tour.${step.key}_do`) })),
    h("div", { class: "t-buttons" },
      !done && h("button", { type: "button", class: "b-button primary solid", disabled: tour.acting, data: { tour: "act" }, text: tour.acting ? t("tour.waiting") : t("tour.act"), on: { click: act } }),
      done && !last && h("button", { type: "button", class: "b-button primary solid", data: { tour: "next" }, text: t("tour.next"), on: { click: () => enter(tour.step + 1) } }),
      done && last && h("button", { type: "button", class: "b-button primary solid", data: { tour: "end" }, text: t("tour.end"), on: { click: endTour } }),
      h("button", { type: "button", class: "plain", "aria-label": t("tour.close"), on: { click: endTour } }, icon("close"))));
}
