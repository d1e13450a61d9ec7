// The customers that one can be. One who logs in half-way keeps the visitor's id and gets a member's.
import { store } from "../store.js";
import { t } from "../text/text.js";
import { go, ui } from "../ui.js";

const standing = [
  { key: "visitor", visitor_id: "vis-0000-demo", user_id: "", kind: "visitor" },
  { key: "member", visitor_id: "vis-2001-demo", user_id: "member-2001", kind: "member" },
  { key: "login", visitor_id: "vis-3001-demo", user_id: "", becomes: "member-3001", kind: "login" },
];

// customers are those who are always there, and those that this tab made.
export const customers = () => standing.map((c) => ui.customers.find((made) => made.key === c.key) ?? c).concat(ui.customers.filter((made) => !standing.some((c) => c.key === made.key)));

export const current = () => customers().find((c) => c.key === ui.customer) ?? customers()[0];

export const identity = (c) => ({ visitor_id: c.visitor_id, user_id: c.user_id });

export const nameOf = (c) => (c.kind === "tour" ? t("shop.tour_customer") : c.kind === "new" ? t("shop.visitor_n", { id: c.visitor_id.slice(4, 8) }) : t(`shop.${c.kind}`));

// keep remembers a customer in this tab.
export function keep(customer, choose = true) {
  go({ customers: ui.customers.filter((c) => c.key !== customer.key).concat(customer), ...(choose ? { customer: customer.key } : {}) });
  return customer;
}

// another makes a visitor whom nobody has seen yet.
export function another(kind = "new", choose = true) {
  const id = [...crypto.getRandomValues(new Uint8Array(6))].map((b) => b.toString(16).padStart(2, "0")).join("");
  return keep({ key: `${kind}-${id}`, visitor_id: `vis-${id}`, user_id: "", kind }, choose);
}

export const logIn = (c) => keep({ ...c, user_id: c.becomes ?? `member-${c.visitor_id.slice(4)}` });

export const pages = {
  orders: { url: "https://shop.example.com/orders", key: "shop.page_orders" },
  product: { url: "https://shop.example.com/books/slow-cooking", key: "shop.page_product" },
  cart: { url: "https://shop.example.com/cart", key: "shop.page_cart" },
};

// apiConversation answers what the router has of a customer.
export const apiConversation = (c) => store.conversations.find((found) => (c.user_id && found.user_id === c.user_id) || found.visitor_id === c.visitor_id);
