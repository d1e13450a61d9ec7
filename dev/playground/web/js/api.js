// Everything the page asks of the stack, and what it would be in a terminal.
import { changed, store } from "./store.js";

// calls are the last ones, the latest first; of those that only look, one of each.
export const calls = [];
const mostCalls = 60;

export class CallError extends Error {}

// slack gives an order to the Slack stand-in: what people in Slack do.
export const slack = (order, body, method = "POST") => call({ method, path: `/slack/_control/${order}`, body, title: `Slack: ${order}`, curl: () => curl(method, `${store.config.slack_url}/_control/${order}`, body) });

// karte gives an order to the KARTE stand-in: what customers and KARTE's console do.
export const karte = (order, body, method = "POST") => call({ method, path: `/karte/_control/${order}`, body, title: `KARTE: ${order}`, curl: () => curl(method, `${store.config.karte_url}/_control/${order}`, body) });

// grpc calls the real API.
export function grpc(service, method, body = {}, looks = /^(Get|List|Trace)/.test(method)) {
  const path = `/api/grpc/${service}/${method}`;
  return call({ method: "POST", path, body, looks, title: `gRPC: ${method}`, curl: () => curl("POST", location.origin + path, body), grpcurl: () => grpcurl(service, method, body) });
}

export const settings = (method, body) => grpc("slacktalk.settings.v1.SettingsService", method, body);
export const conversations = (method, body) => grpc("slacktalk.admin.v1.ConversationService", method, body);
export const deadLetters = (method, body) => grpc("slacktalk.admin.v1.DeadLetterService", method, body);

export const order = (name, what) => own(`/api/services/${name}/${what}`, `${what} ${name}`);
export const flushRedis = () => own("/api/redis/flush", "Redis: FLUSHALL");

const own = (path, title) => call({ method: "POST", path, title, curl: () => curl("POST", location.origin + path) });

// upload keeps a picture and answers its address.
export async function upload(blob) {
  const response = await fetch("/api/pictures", { method: "POST", body: blob });
  const answer = await response.json();
  if (!response.ok) throw new CallError(answer.error);
  return answer.url;
}

async function call(c) {
  const entry = note(c);
  try {
    const response = await fetch(c.path, { method: c.method, ...(c.method === "GET" ? {} : { body: JSON.stringify(c.body ?? {}) }) });
    entry.status = response.status;
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new CallError(answer.error ?? `${response.status}`);
    return answer;
  } catch (err) {
    entry.status ??= 0;
    throw err;
  } finally {
    changed("calls");
  }
}

function note(c) {
  const entry = { ...c, at: new Date(), serial: (note.last = (note.last ?? 0) + 1) };
  if (c.looks) {
    const i = calls.findIndex((other) => other.looks && other.path === c.path);
    if (i >= 0) calls.splice(i, 1);
  }
  calls.unshift(entry);
  calls.length = Math.min(calls.length, mostCalls);
  return entry;
}

// quote makes one word of a shell.
export const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

export function curl(method, url, body) {
  const parts = ["curl"];
  if (method !== "GET" && !(method === "POST" && body)) parts.push("-X", method);
  if (body) parts.push("-H", quote("Content-Type: application/json"), "-d", quote(JSON.stringify(body)));
  return parts.concat(quote(url)).join(" ");
}

function grpcurl(service, method, body) {
  return `grpcurl -plaintext -H ${quote(`authorization: Bearer ${store.config.token}`)} -d ${quote(JSON.stringify(body))} ${store.config.router_addr} ${service}/${method}`;
}

// hookCurl sends a hook once more, signed anew: KARTE's signature is over the time and the body.
export function hookCurl(hook) {
  return [
    `BODY=${quote(JSON.stringify(hook.body))}`,
    "TS=$(date +%s)",
    `SIG=$(printf '%s:%s' "$TS" "$BODY" | openssl dgst -sha256 -hmac ${quote(store.config.secrets.karte_client)} | sed 's/^.* //')`,
    `curl -i -H 'Content-Type: application/json' -H "X-Karte-Request-Timestamp: $TS" -H "X-Karte-Signature: $SIG" -d "$BODY" ${quote(store.config.hook_url)}`,
  ].join("\n");
}
