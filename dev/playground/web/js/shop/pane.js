// The pane that is the web shop, with its chat.
import { karte, upload } from "../api.js";
import { fill, h, icon, keyed } from "../dom.js";
import { pictureSource } from "../blockkit/inline.js";
import { customerConversation, on, store } from "../store.js";
import { exact, lang, t, time } from "../text/text.js";
import { attempt, go, say, ui } from "../ui.js";
import { another, current, customers, identity, logIn, nameOf, pages } from "./customers.js";
import { consoleBox } from "./console.js";
import { samplePicture } from "./picture.js";

export function mountShop(pane) {
  const address = h("span", { class: "address" });
  const who = h("div", { class: "w-who" });
  const store_ = h("div", { class: "storefront" });
  const head = h("header", { class: "w-head" });
  const log = h("div", { class: "w-log", tabindex: 0, role: "log" });
  const form = chatForm();
  const chat = h("section", { class: "widget" }, head, log, form.node);
  const desk = consoleBox();
  fill(pane, h("h2", { class: "unseen" }), h("div", { class: "browser" }, h("span", { class: "lights", "aria-hidden": "true" }, h("i"), h("i"), h("i")), address), who, store_, chat, desk.node);
  const draw = () => {
    const customer = current();
    pane.setAttribute("aria-label", t("pane.shop"));
    pane.querySelector("h2").textContent = t("pane.shop");
    log.setAttribute("aria-label", t("shop.messages"));
    address.textContent = pages[ui.page].url.replace("https://", "");
    drawWho(who, customer);
    drawFront(store_);
    const c = customerConversation(customer);
    drawHead(head, c);
    drawLog(log, c);
    form.draw();
    desk.draw();
  };
  on(["karte", "ui", "connected"], draw);
  draw();
}

function drawWho(node, customer) {
  const sign = JSON.stringify([lang, ui.customers, customer]);
  if (node.dataset.sign === sign) return;
  node.dataset.sign = sign;
  const choose = h("select", { "aria-label": t("shop.you_are"), id: "customer", on: { change: () => go({ customer: choose.value }) } },
    customers().map((c) => h("option", { value: c.key, selected: c.key === customer.key, text: nameOf(c) })));
  fill(node, h("label", { for: "customer", text: t("shop.you_are") }), choose,
    h("button", { type: "button", class: "plain", title: t("shop.new_visitor"), "aria-label": t("shop.new_visitor"), on: { click: () => another() } }, icon("plus")),
    h("span", { class: "ids" }, customer.user_id || customer.visitor_id),
    !customer.user_id && h("button", { type: "button", class: "link", text: t("shop.log_in"), on: { click: () => { logIn(customer); say(t("shop.logged_in")); } } }));
}

function drawFront(node) {
  const sign = lang + ui.page;
  if (node.dataset.sign === sign) return;
  node.dataset.sign = sign;
  fill(node,
    h("div", { class: "f-head" }, h("span", { class: "f-mark", "aria-hidden": "true", text: "燕" }), h("strong", { text: t("shop.name") }),
      h("nav", { "aria-label": t("shop.pages") }, Object.entries(pages).map(([key, page]) => h("button", { type: "button", class: key === ui.page ? "on" : null, "aria-current": key === ui.page ? "page" : null, text: t(page.key), on: { click: () => go({ page: key }) } })))),
    h("div", { class: "f-books", "aria-hidden": "true" }, [1, 2, 3, 4].map((n) => h("div", { class: `f-book f-${n}` }, h("span", { text: t(`shop.book_${n}`) })))));
}

function drawHead(node, c) {
  const assignee = c?.assignee?.profile_name;
  fill(node, h("div", {}, h("strong", { text: t("shop.chat") }), h("span", { class: "quiet", text: assignee ? t("shop.assigned", { name: assignee }) : t("shop.hours") })),
    h("span", { class: `status ${c?.status ?? "none"}`, text: t(`status.${c?.status || "none"}`) }));
}

const operatorName = (id) => (id === store.config.operator ? "佐藤 花子" : (operators.find((o) => o.id === id)?.name ?? id));
export const operators = [{ id: "aaaaaaaaaaaaaaaaaaaaaaaa", name: "佐藤 花子" }, { id: "bbbbbbbbbbbbbbbbbbbbbbbb", name: "田中 一郎" }];

function drawLog(node, c) {
  const shown = (c?.messages ?? []).map((m, i) => ({ ...m, i })).filter((m) => m.kind === "message");
  const atEnd = node.scrollHeight - node.scrollTop - node.clientHeight < 60;
  const fresh = node.dataset.of !== (c?.key ?? "");
  node.dataset.of = c?.key ?? "";
  keyed(node, shown, (m) => `${c.key} ${m.i} ${m.date}`, () => lang, bubble);
  if (!shown.length && !node.firstChild) node.append(h("p", { class: "w-empty", data: { key: "empty" }, text: t("shop.say_hello") }));
  if (shown.length) node.querySelector(".w-empty")?.remove();
  if (fresh || atEnd) node.scrollTop = node.scrollHeight;
}

function bubble(m) {
  const at = new Date(m.date);
  const address = m.image ? imageAddress(m.image) : "";
  const source = pictureSource(address);
  return h("div", { class: `w-row ${m.sender ? "them" : "me"}` },
    m.sender && h("span", { class: "w-name", text: operatorName(m.sender) }),
    h("div", { class: "w-bubble" }, m.text, address && (source ? h("img", { src: source, alt: t("shop.picture") }) : h("span", { class: "w-missing", text: address }))),
    h("time", { title: exact(at), text: time(at) }));
}

// imageAddress reads content.image, whose form is not documented.
function imageAddress(image) {
  try {
    const value = JSON.parse(image);
    return typeof value === "string" ? value : (value?.url ?? value?.src ?? "");
  } catch {
    return "";
  }
}

// customerWrites is what the widget does when somebody writes; KARTE then calls the hook.
export const customerWrites = (customer, text, more = {}) => karte("customer-writes", {
  customer: identity(customer), text, write: { page_url: pages[ui.page].url, page_title: t(pages[ui.page].key), ...more },
});

function chatForm() {
  const text = h("textarea", { rows: 1, id: "customer-text" });
  const file = h("input", { type: "file", accept: "image/png,image/jpeg,image/gif,image/webp", hidden: true, "aria-hidden": "true", tabindex: -1 });
  const pick = h("button", { type: "button", class: "plain" }, icon("image", 18));
  const sample = h("button", { type: "button", class: "link" });
  const send = h("button", { type: "submit", class: "w-send" }, icon("send", 16));
  const write = async (words, more) => attempt(() => customerWrites(current(), words, more));
  const picture = (blob) => attempt(async () => write("", { image: await upload(blob) }));
  const node = h("form", { class: "w-form", on: { submit: (e) => {
    e.preventDefault();
    const words = text.value.trim();
    if (!words) return;
    text.value = "";
    write(words);
  } } }, pick, text, send, file, h("div", { class: "w-more" }, sample));
  text.addEventListener("keydown", (e) => { if (e.key === "Enter" && !e.shiftKey && !e.isComposing) { e.preventDefault(); node.requestSubmit(); } });
  pick.addEventListener("click", () => file.click());
  file.addEventListener("change", () => { if (file.files[0]) picture(file.files[0]); file.value = ""; });
  sample.addEventListener("click", async () => picture(await samplePicture()));
  return { node, draw: () => {
    text.placeholder = t("shop.write");
    text.setAttribute("aria-label", t("shop.write"));
    pick.title = t("shop.send_picture");
    pick.setAttribute("aria-label", t("shop.send_picture"));
    sample.textContent = t("shop.sample_picture");
    send.setAttribute("aria-label", t("slack.send"));
  } };
}
