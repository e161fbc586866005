--- The page's script, part 4: a body as a tree, and as text.
return [==[
const CHUNK = 100, TEXT_MAX = 2000, RAW_MAX = 65536;

// Numbers as they are written, which a number of JavaScript may not hold exactly.
class Literal {
  constructor(text) { this.text = text; }
}

const INEXACT = /\d{16}|\d[eE]|\d\.\d{15}/; // whether a number may need that

function parseJson(text) {
  try {
    if (!INEXACT.test(text)) return { value: JSON.parse(text) };
    return { value: JSON.parse(text, (key, value, context) => typeof value === "number" && context && context.source !== String(value)
      ? new Literal(context.source) : value) };
  } catch (error) {
    return null;
  }
}

function scalar(value) {
  if (typeof value !== "string") {
    const kind = value === null ? "null" : typeof value === "boolean" ? "bool" : "num";
    return h("span", { class: "t-" + kind }, value instanceof Literal ? value.text : String(value));
  }
  const span = h("span", { class: "t-str" });
  const show = (text) => { span.textContent = JSON.stringify(text); };
  if (value.length <= TEXT_MAX) { show(value); return span; }
  show(value.slice(0, TEXT_MAX) + "…");
  return h("span", null, span, h("button", { class: "link", onclick: (event) => { show(value); event.target.remove(); } },
    "Show all " + numbers.format(value.length) + " characters"));
}

const isTree = (value) => value !== null && typeof value === "object" && !(value instanceof Literal);

// The items of an object or a list, more of them on demand.
function items(entries, isList) {
  const element = h("ul", { class: "tree" });
  let next = 0;
  const more = h("li", null, h("button", { class: "link", onclick: showMore }));
  function showMore() {
    more.remove();
    for (const end = Math.min(entries.length, next + CHUNK); next < end; next++) element.append(item(entries[next], isList));
    if (next < entries.length) {
      more.firstChild.textContent = "Show " + numbers.format(Math.min(CHUNK, entries.length - next)) + " of "
        + numbers.format(entries.length - next) + " more";
      element.append(more);
    }
  }
  showMore();
  return element;
}

function item([key, value], isList) {
  const name = h("span", { class: isList ? "t-index" : "t-key" }, key);
  if (!isTree(value)) return h("li", null, name, ": ", scalar(value));
  const list = Array.isArray(value), entries = Object.entries(value);
  const size = list ? plural(entries.length, "item") : plural(entries.length, "field");
  const element = h("details", null, h("summary", null, name, ": ", h("span", { class: "t-size" }, (list ? "[ " : "{ ") + size + (list ? " ]" : " }"))));
  element.addEventListener("toggle", () => { if (element.open && element.children.length === 1) element.append(items(entries, list)); });
  return h("li", null, element);
}

function treeOf(parsed) {
  if (!isTree(parsed.value)) return h("p", { class: "tree" }, scalar(parsed.value));
  return items(Object.entries(parsed.value), Array.isArray(parsed.value));
}

// The bytes as text: those that are not UTF-8 as U+FFFD.
function rawOf(text) {
  const pre = h("pre", { class: "raw", tabindex: "0", role: "region", "aria-label": "Raw body" });
  pre.textContent = text.slice(0, RAW_MAX);
  if (text.length <= RAW_MAX) return pre;
  return h("div", null, pre, h("button", { class: "link", onclick: (event) => { pre.textContent = text; event.target.remove(); } },
    "Show all " + numbers.format(text.length) + " characters"));
}

// The section of a body: as a tree if it is JSON, and as it is.
function bodySection(text, size) {
  const parsed = text.length ? parseJson(text) : null;
  const box = h("div", { class: "payload" });
  const show = (kind, buttons) => {
    for (const b of buttons) b.setAttribute("aria-pressed", String(b.dataset.kind === kind));
    replace(box, !text.length ? h("p", { class: "muted" }, "The body is empty.") : kind === "tree" ? treeOf(parsed) : rawOf(text));
  };
  const buttons = [["tree", "Tree"], ["raw", "Raw"]].map(([kind, label]) =>
    h("button", { "data-kind": kind, "aria-pressed": "false", onclick: () => show(kind, buttons) }, label));
  show(parsed ? "tree" : "raw", buttons);
  return h("section", { class: "block", "aria-label": "Payload" },
    h("div", { class: "block-head" }, h("h3", null, "Payload"), h("span", { class: "muted" }, bytes(size)),
      parsed && h("div", { class: "toggle", role: "group", "aria-label": "Form of the payload" }, buttons),
      text.length > 0 && h("button", { class: "quiet", onclick: () => copy(text, "Payload") }, "Copy")),
    box);
}
]==]
