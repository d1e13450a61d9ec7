// The page's own words, in two languages.
import { en } from "./en.js";
import { ja } from "./ja.js";

const catalogues = { ja, en };

function wanted() {
  const asked = new URLSearchParams(location.search).get("lang") ?? localStorage.getItem("lang");
  if (asked in catalogues) return asked;
  return navigator.language?.startsWith("ja") ? "ja" : "en";
}

export let lang = wanted();

export function speak(language) {
  lang = language;
  localStorage.setItem("lang", language);
  document.documentElement.lang = language;
}

// t answers a text, with {names} replaced.
export function t(key, values = {}) {
  const text = catalogues[lang][key] ?? en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export const time = (date) => new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit" }).format(date);
export const exact = (date) => new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "medium" }).format(date);
export const day = (date) => new Intl.DateTimeFormat(lang, { month: "long", day: "numeric", weekday: "long" }).format(date);
export const ofTS = (ts) => new Date(Number(ts.split(".")[0]) * 1000);
