--- The page's script, part 5: one delivery, and sending it again.
return [==[
let opened = 0; // counts, so that a late response does not replace what was opened since

const panelHead = (title, close, ...below) => h("div", { class: "details-head" }, h("div", null, h("h2", null, title), below),
  h("button", { class: "icon", "aria-label": "Close details", onclick: close }, "✕"));

// Shows the elements to which `load` resolves, or why it failed.
async function fillPanel(panel, title, close, load) {
  const mine = ++opened;
  document.body.classList.add("has-details");
  let children;
  try { children = await load(); } catch (error) {
    children = [panelHead(title, close), h("p", { class: "block bad" }, error.message)];
  }
  if (mine !== opened) return;
  replace(panel, children);
  panel.scrollTop = 0;
}

const withBody = async (path, show) => {
  const found = await getJson(path);
  return show(found, found.size ? await getText(path + "/body") : "");
};

const fact = (name, ...value) => [h("dt", null, name), h("dd", null, ...value)];

function errorBlock(title, err) {
  return h("section", { class: "block problem", "aria-label": title },
    h("div", { class: "block-head" }, h("h3", null, title), err.kind && h("code", null, err.kind)),
    h("p", { class: "message" }, err.message),
    err.traceback && h("details", { open: true }, h("summary", null, "Traceback"),
      h("pre", { class: "raw", tabindex: "0", role: "region", "aria-label": "Traceback" }, err.traceback.trim())));
}

function headersBlock(headers) {
  return h("section", { class: "block", "aria-label": "Headers" },
    h("div", { class: "block-head" }, h("h3", null, "Headers"), h("span", { class: "muted" }, numbers.format(headers.length))),
    h("table", { class: "headers" }, h("caption", { class: "sr" }, "Headers of the request"),
      h("thead", { class: "sr" }, h("tr", null, h("th", { scope: "col" }, "Name"), h("th", { scope: "col" }, "Value"))),
      h("tbody", null, headers.map(([name, value]) => h("tr", null, h("th", { scope: "row" }, name), h("td", null, value))))));
}

function report(sent, to) {
  if (sent.status == null) return toast(to + " did not respond: " + sent.error, "bad");
  toast(to + " responded " + sent.status + " in " + duration(sent.seconds * 1000), sent.status < 300 ? "good" : "bad");
}

const TARGETS = { receiver: "The receiver", forward: "The application" };

async function send(path, to, body) {
  report(await post(path + "?to=" + to, body), TARGETS[to]);
  poll().catch(() => {});
}

function actions(d, text) {
  const base = "deliveries/" + d.id;
  const button = (label, action, more) => h("button", { ...more, onclick: (event) => run(event.currentTarget, action) }, label);
  const canSend = state.write && d.size != null;
  return h("div", { class: "actions", role: "group", "aria-label": "Actions" },
    canSend && state.receiver && button("Replay", () => send(base + "/replay", "receiver"), { class: "primary", title: "The same bytes again through the receiver" }),
    canSend && state.forward_to && button("Forward", () => send(base + "/replay", "forward"), { title: "The same bytes to " + state.forward_to }),
    canSend && state.receiver && button("Edit and resend", () => openEditor(d, text)),
    d.size != null && button("Copy as curl", async () => copy(await getText(base + "/curl"), "Command line")),
    d.type && button("Copy as spec", async () => copy(await getText(base + "/spec"), "Spec")));
}

function facts(d) {
  const signature = d.verified ? h("span", { class: "good" }, "valid")
    : h("span", { class: d.err ? "bad" : "muted" }, d.err && d.err.kind === "bad_signature" ? "invalid" : "not verified");
  return h("dl", { class: "facts" },
    fact("Response", h("span", { class: d.status < 300 ? "good" : "bad" }, d.status), " in " + duration(d.ms)),
    fact("Received", moment(d.at_ms)),
    d.subject && fact(/^li/.test(d.subject) ? "Live stream" : "Video", h("code", null, d.subject)),
    d.detail && fact("Details", d.detail),
    fact("Webhook", d.webhook_id ? h("code", null, d.webhook_id) : "–"),
    fact("Signature", signature),
    d.handled != null && fact("Handlers", d.handled === 0 ? "none matched" : plural(d.handled, "handler") + " ran"),
    d.replay_of && fact("Replay of", h("a", { href: "#deliveries/" + d.replay_of }, "#" + d.replay_of)));
}

function detailsOf(d, text) {
  return [
    panelHead(wrapped(d.type || "Not an event"), closeDetails, h("p", null, badge(d.result), h("span", { class: "muted" }, "#" + d.id))),
    actions(d, text), facts(d),
    d.err && errorBlock(d.result === "rejected" ? "Why it was rejected" : "Why it cannot be parsed", d.err),
    d.errors.map((err, i) => errorBlock(d.errors.length > 1 ? "Handler error " + (i + 1) : "Handler error", err)),
    d.size == null ? h("p", { class: "muted block" }, "The body was not read.") : bodySection(text, d.size),
    headersBlock(d.headers)];
}

async function openDetails(id, focus) {
  if (list.selected !== id) list.select(id);
  await fillPanel($("details"), "Delivery #" + id, closeDetails, () => withBody("deliveries/" + id, detailsOf));
  if (focus) $("details").focus({ preventScroll: true });
}

function closeDetails() {
  location.hash = "deliveries";
  $("rows").focus();
}

function hideDetails() {
  opened++;
  document.body.classList.remove("has-details");
  replace($("details"));
}

function openEditor(d, text) {
  const editor = $("editor"), parsed = parseJson(text);
  const area = h("textarea", { id: "editor-text", spellcheck: "false", "aria-describedby": "editor-note" });
  area.value = text;
  const to = h("select", { id: "editor-to" }, h("option", { value: "receiver" }, "the receiver"),
    state.forward_to && h("option", { value: "forward" }, state.forward_to));
  const sendEdited = async () => { await send("deliveries/" + d.id + "/resend", to.value, area.value); editor.close(); };
  replace(editor, h("h2", { id: "editor-title" }, "Edit and resend"),
    h("p", { id: "editor-note", class: "muted" }, "The body is sent as it is here, signed with the secret of the webhook."),
    h("label", { class: "sr", for: "editor-text" }, "Body"), area,
    h("div", { class: "actions" },
      h("label", { for: "editor-to" }, "Send to"), to,
      parsed && h("button", { onclick: () => { area.value = JSON.stringify(JSON.parse(area.value), null, 2); } }, "Indent"),
      h("span", { class: "grow" }),
      h("button", { onclick: () => editor.close() }, "Cancel"),
      h("button", { class: "primary", onclick: (event) => run(event.currentTarget, sendEdited) }, "Sign and send")));
  editor.showModal();
  area.focus();
}
]==]
