--- The page's script, part 1: elements, requests, texts. All texts of others become text nodes, never markup.
return [==[
const $ = (id) => document.getElementById(id);

// An element: h("p", { class: "x", onclick: f }, "text", child). Properties that are false or null are left out.
function h(tag, properties, ...children) {
  const svg = ["svg", "path", "rect", "line", "g", "text", "circle", "title"].includes(tag) && properties?.svg;
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (value == null || value === false || name === "svg") continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) if (child != null && child !== false) element.append(child);
  return element;
}

const replace = (element, ...children) => { element.replaceChildren(...children.flat(Infinity).filter((c) => c != null && c !== false)); return element; };

class Failure extends Error {
  constructor(message, status) { super(message); this.status = status; }
}

const state = { write: false, receiver: false, inbox: false, forward_to: null, instance: null };

// The token comes after "#" in the address, is removed there, and stays in this tab. A page at another path has another.
const TOKEN_KEY = "token " + location.pathname;

function takeToken() {
  const match = /^#token=([\w-]+)$/.exec(location.hash);
  if (!match) return;
  sessionStorage.setItem(TOKEN_KEY, match[1]);
  history.replaceState(null, "", location.pathname);
}

function headersOf(method) {
  const token = sessionStorage.getItem(TOKEN_KEY);
  return { ...(token && { "X-Apivideo-Token": token }), ...(method === "POST" && { "X-Apivideo-Page": "1" }) };
}

// Sends a request to the API. Raises a Failure; its status is 0 if the server did not respond.
async function request(path, options = {}) {
  let response;
  try {
    response = await fetch("api/" + path, {
      method: options.method || "GET", body: options.body, cache: "no-store", credentials: "same-origin",
      headers: headersOf(options.method), signal: AbortSignal.timeout(30000),
    });
  } catch (error) {
    throw new Failure("The server does not respond.", 0);
  }
  if (response.ok) return response;
  let message = "The server responded " + response.status + ".";
  try { message = (await response.json()).error.message; } catch (error) { /* not of the page's API */ }
  if (response.status === 401) message = "Open the page with its token: at the URL that its program has printed.";
  throw new Failure(message, response.status);
}

async function getJson(path) {
  const response = await request(path);
  try { return await response.json(); } catch (error) { throw new Failure("The server does not respond.", 0); }
}
const getText = async (path) => (await request(path)).text();
const post = async (path, body) => (await request(path, { method: "POST", body })).json();

const numbers = new Intl.NumberFormat("en");
const plural = (count, one, many = one + "s") => numbers.format(count) + " " + (count === 1 ? one : many);

function duration(ms) {
  if (ms < 1) return "<1 ms";
  if (ms < 1000) return Math.round(ms) + " ms";
  if (ms < 60000) return (ms / 1000).toFixed(ms < 10000 ? 1 : 0) + " s";
  if (ms < 3600000) return Math.round(ms / 60000) + " min";
  if (ms < 86400000) return Math.round(ms / 3600000) + " h";
  return plural(Math.round(ms / 86400000), "day");
}

function bytes(count) {
  if (count == null) return "–";
  if (count < 1024) return plural(count, "byte");
  return count < 1048576 ? (count / 1024).toFixed(1) + " KiB" : (count / 1048576).toFixed(2) + " MiB";
}

const pad = (number, length = 2) => String(number).padStart(length, "0");
const clock = (at) => { const d = new Date(at); return pad(d.getHours()) + ":" + pad(d.getMinutes()) + ":" + pad(d.getSeconds()); };
const day = (at) => { const d = new Date(at); return d.getFullYear() + "-" + pad(d.getMonth() + 1) + "-" + pad(d.getDate()); };
const moment = (at) => day(at) + " " + clock(at) + "." + pad(new Date(at).getMilliseconds(), 3);

// A time of today as such, another one with its day.
const days = new Intl.DateTimeFormat("en", { month: "short", day: "numeric" });
const short = (at) => day(at) === day(Date.now()) ? clock(at) : days.format(new Date(at)) + ", " + clock(at).slice(0, 5);
const timeOf = (at) => h("time", { datetime: new Date(at).toISOString(), title: moment(at) }, short(at));

// A type, which may be wrapped after each of its dots.
const wrapped = (text) => text.split(/(?<=\.)/).flatMap((part, i) => i ? [h("wbr"), part] : [part]);

function toast(text, kind) {
  const element = h("p", { class: "toast " + (kind || "") }, text);
  $("toasts").append(element);
  setTimeout(() => element.remove(), kind === "bad" ? 8000 : 4000);
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch (error) { // only secure contexts have the clipboard
    const area = h("textarea", { class: "sr", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    if (!copied) return toast("The browser did not allow copying.", "bad");
  }
  toast(what + " copied");
}

// Runs an action of a button, which is disabled until it has ended.
async function run(button, action) {
  button.disabled = true;
  try { await action(); } catch (error) { toast(error.message, "bad"); } finally { button.disabled = false; }
}

const RESULTS = {
  handled: "Handled", stored: "Stored", failed: "Failed", rejected: "Rejected", unhandled: "Unhandled",
  duplicate: "Duplicate", dead: "Dead letter",
};
const badge = (result, label) => h("span", { class: "badge v-" + result }, label || RESULTS[result] || result);

function setLive(isLive, text) {
  const element = $("live");
  if (element.textContent === text) return;
  element.className = "live " + (isLive ? "on" : "off");
  replace(element, h("span", null, text));
}
]==]
