// What the server tells as it happens.
import { changed, store, takeKARTE, takeSlack } from "./store.js";

// wire are the messages published on NATS, the latest first.
export const wire = [];
const mostWire = 40;

export function listen() {
  const source = new EventSource("/api/events");
  source.addEventListener("slack", (e) => takeSlack(JSON.parse(e.data)));
  source.addEventListener("karte", (e) => takeKARTE(JSON.parse(e.data)));
  source.addEventListener("system", (e) => {
    store.system = JSON.parse(e.data);
    changed("system");
  });
  source.addEventListener("wire", (e) => {
    wire.unshift(JSON.parse(e.data));
    wire.length = Math.min(wire.length, mostWire);
    changed("wire");
  });
  const connected = (yes) => () => {
    if (store.connected === yes) return;
    store.connected = yes;
    changed("connected");
  };
  source.addEventListener("open", connected(true));
  source.addEventListener("error", connected(false));
  addEventListener("pagehide", () => source.close());
}
