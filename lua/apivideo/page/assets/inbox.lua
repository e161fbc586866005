--- The page's script, part 7: the inbox: its numbers, its dead letters, and its entries.
return [==[
const INBOX_POLL_MS = 2000, ACTIVITY_POLL_MS = 15000, DEAD_POLL_MS = 15000, OLD_S = 300, ENTRIES = 50;
const STATES = { waiting: "Waiting", claimed: "In progress", dead: "Dead letter", done: "Done" };

const inbox = { shown: false, state: "", query: "", entries: [], older: [], stats: null, id: null, turn: 0, activityAt: 0, dead: "", deadCount: null, deadAt: 0, pausedTypes: "" };

function tile(label, value, note, kind) {
  return h("div", { class: "card tile " + (kind || "") }, h("p", { class: "label" }, label), h("p", { class: "value" }, value), h("p", { class: "note" }, note || ""));
}

const count = (value) => value == null ? "–" : numbers.format(value);

function oldestTile({ oldest, attempts }) {
  if (oldest == null) return tile("Oldest", "–", "nothing waits");
  const note = attempts > 1 ? "up to " + plural(attempts, "attempt") : "not handled yet";
  return tile("Oldest", duration(oldest * 1000), note, oldest > OLD_S ? "warn" : "");
}

function workersTile({ paused }) {
  const toggle = async () => { await post("inbox/" + (paused ? "resume" : "pause")); await refreshInbox(); };
  return h("div", { class: "card tile" + (paused ? " warn" : "") },
    h("p", { class: "label" }, "Workers"), h("p", { class: "value" }, paused ? "Paused" : "Running"),
    state.write
      ? h("button", { id: "pause", class: "quiet", onclick: (event) => run(event.currentTarget, toggle) }, paused ? "Resume" : "Pause")
      : h("p", { class: "note" }, paused ? "events are stored" : ""));
}

function showStats(stats) {
  inbox.stats = stats;
  const hadFocus = document.activeElement?.id === "pause";
  replace($("tiles"),
    tile("Waiting", count(stats.waiting), stats.spooled ? numbers.format(stats.spooled) + " in the spool" : "to be handled"),
    oldestTile(stats),
    tile("In progress", count(stats.claimed), "claimed by a worker"),
    tile("Dead letters", count(stats.dead), stats.dead ? "not handled" : "none", stats.dead ? "bad" : ""),
    tile("Done", count(stats.done), "kept for a while"),
    workersTile(stats));
  if (hadFocus) $("pause")?.focus();
  for (const chip of $("state-chips").children) chip.lastChild.textContent = chip.dataset.state ? count(stats[chip.dataset.state]) : "";
}

function pausedRow({ type, reason, probe_in: probeIn }) {
  const resume = async () => { await post("inbox/resume?" + new URLSearchParams({ type })); await refreshInbox(); };
  const why = reason || (probeIn == null ? "paused by an operator" : "no error");
  return h("tr", { "data-type": type },
    h("td", { class: "what" }, h("span", { class: reason ? "why v-failed" : "" }, why), h("span", { class: "ids" }, type)),
    h("td", { class: "right nowrap last" }, probeIn == null ? "–" : "in " + duration(probeIn * 1000)),
    state.write && h("td", { class: "right" }, h("button", { class: "quiet", onclick: (event) => run(event.currentTarget, resume) }, "Resume")));
}

function showPausedTypes({ paused_types: types }) {
  const box = $("paused"), key = JSON.stringify(types);
  box.hidden = types.length === 0;
  if (key === inbox.pausedTypes) return;
  inbox.pausedTypes = key;
  const focused = document.activeElement?.closest("#paused tr")?.dataset.type; // the times change with each poll
  replace(box,
    h("div", { class: "card-head" }, h("h2", null, "Paused types"), h("span", { class: "grow muted note" }, "their events wait")),
    h("div", { class: "table-scroll" }, h("table", { class: "groups" },
      h("thead", null, h("tr", null, h("th", { scope: "col" }, "Reason"), h("th", { scope: "col", class: "right last" }, "Next probe"),
        state.write && h("th", { scope: "col" }, h("span", { class: "sr" }, "Action")))),
      h("tbody", null, types.map(pausedRow)))));
  if (focused) box.querySelector("tr[data-type='" + CSS.escape(focused) + "'] button")?.focus({ preventScroll: true });
}

// Asks before many entries are redriven; one is redriven at once.
async function redrive(query, what, ask) {
  const path = "inbox/redrive?" + new URLSearchParams(query);
  if (ask) {
    const { count } = await post(path + "&dry_run=1");
    if (!await confirmDialog("Redrive " + plural(count, "dead letter"), what + " will be handled again, with all attempts.", "Redrive")) return;
  }
  const { count } = await post(path);
  toast(count ? plural(count, "dead letter") + " queued again" : "No dead letter matches any more.", count ? "good" : "");
  await refreshInbox();
  if (inbox.id) openEntry(inbox.id);
}

// Resolves to whether the user agrees.
function confirmDialog(title, text, action) {
  const dialog = $("editor");
  return new Promise((resolve) => {
    let agreed = false;
    replace(dialog, h("h2", { id: "editor-title" }, title), h("p", { class: "muted" }, text),
      h("div", { class: "actions end" }, h("button", { onclick: () => dialog.close() }, "Cancel"),
        h("button", { class: "primary", onclick: () => { agreed = true; dialog.close(); } }, action)));
    dialog.addEventListener("close", () => resolve(agreed), { once: true });
    dialog.showModal();
  });
}

function groupRow(group) {
  const again = (event) => run(event.currentTarget, () => redrive(filterOfGroup(group), group.type || "These", true));
  return h("tr", null,
    h("td", { class: "right count" }, numbers.format(group.count)),
    h("td", { class: "what" },
      h("button", { class: "plain why v-failed", title: "Show these entries", onclick: () => showGroup(group) }, group.error || "no error"),
      h("span", { class: "ids" }, group.type || "not an event")),
    h("td", { class: "right nowrap last" }, timeOf(group.last_ms)),
    state.write && h("td", { class: "right" }, (group.type || group.error) && h("button", { class: "quiet", onclick: again }, "Redrive")));
}

function showDead({ data, is_complete }) {
  const box = $("dead"), key = JSON.stringify([data, is_complete]);
  box.hidden = data.length === 0;
  if (key === inbox.dead) return; // the focus stays where it is
  inbox.dead = key;
  const redriveAll = (event) => run(event.currentTarget, () => redrive({}, "All dead letters", true));
  replace(box,
    h("div", { class: "card-head" }, h("h2", null, "Dead letters"),
      h("span", { class: "grow muted note" }, is_complete ? "by type and error" : "the newest, by type and error"),
      state.write && h("button", { onclick: redriveAll }, "Redrive all")),
    h("div", { class: "table-scroll" }, h("table", { class: "groups" },
      h("thead", null, h("tr", null, h("th", { scope: "col", class: "right" }, "Count"), h("th", { scope: "col" }, "Error"),
        h("th", { scope: "col", class: "right last" }, "Last"), state.write && h("th", { scope: "col" }, h("span", { class: "sr" }, "Action")))),
      h("tbody", null, data.map(groupRow)))));
}

const filterOfGroup = ({ type, error }) => ({ ...(type && { type }), ...(error && { error }) });

function showGroup(group) {
  $("inbox-search").value = group.error;
  setEntryFilter("dead", filterOfGroup(group));
}

// A video, a webhook, a type, or otherwise a part of an error.
function filterOf(text) {
  if (/^vi[A-Za-z0-9_]*$/.test(text)) return { video_id: text };
  if (/^webhook_/.test(text)) return { webhook_id: text };
  if (/^[\w-]+(\.[\w-]+)*\.[\w*-]+$/.test(text)) return { type: text };
  return text ? { error: text } : {};
}

function setEntryFilter(name, filter) {
  inbox.state = name;
  for (const chip of $("state-chips").children) chip.setAttribute("aria-pressed", String(chip.dataset.state === name));
  inbox.query = new URLSearchParams({ ...(filter || filterOf($("inbox-search").value.trim())), ...(name ? { state: name } : {}) }).toString();
  inbox.older = [];
  refreshEntries().catch((error) => toast(error.message, "bad"));
}

function entryRow(entry) {
  const open = h("a", { href: "#inbox/" + entry.id }, h("span", { class: "type" }, entry.type || "not an event"));
  return h("tr", { "data-id": entry.id, "aria-current": entry.id === inbox.id ? "true" : null, onclick: () => { location.hash = "inbox/" + entry.id; } },
    h("td", null, badge(entry.state, STATES[entry.state])),
    h("td", { class: "what" }, open, h("span", { class: "ids" }, [entry.detail, entry.subject].filter(Boolean).join(" · "),
      entry.error && h("span", { class: "why v-failed" }, (entry.subject ? " · " : "") + entry.error))),
    h("td", { class: "right" }, numbers.format(entry.attempt)), h("td", { class: "right nowrap" }, timeOf(entry.at_ms)));
}

function showEntries() {
  const all = inbox.entries.concat(inbox.older), body = $("entries");
  const key = inbox.id + JSON.stringify(all);
  if (key !== inbox.key) {
    const focused = document.activeElement.closest && document.activeElement.closest("#entries tr");
    replace(body, all.map(entryRow));
    if (focused) body.querySelector("[data-id='" + focused.dataset.id + "'] a")?.focus({ preventScroll: true });
    inbox.key = key;
  }
  $("no-entries").hidden = all.length > 0;
  $("entries-table").hidden = all.length === 0;
  $("no-entries").textContent = inbox.query ? "No entry matches the search and the filter." : "The inbox is empty.";
}

async function refreshEntries() {
  const turn = ++inbox.turn;
  const { data } = await getJson("inbox/entries?" + inbox.query + "&limit=" + ENTRIES);
  if (turn !== inbox.turn) return;
  const first = data.length ? data[data.length - 1].id : 0;
  // What the new entries have pushed out of the first page stays before the older ones, unless there is a gap.
  const overlaps = inbox.entries.length > 0 && first <= inbox.entries[0].id;
  inbox.older = inbox.older.length && overlaps ? inbox.entries.concat(inbox.older).filter((entry) => entry.id < first) : [];
  if (!inbox.older.length) inbox.atEnd = null;
  inbox.entries = data;
  $("older").hidden = data.length < ENTRIES || inbox.atEnd === inbox.query;
  showEntries();
}

async function showOlder() {
  const all = inbox.entries.concat(inbox.older), query = inbox.query;
  const { data } = await getJson("inbox/entries?" + query + "&limit=" + ENTRIES + "&after=" + all[all.length - 1].id);
  if (query !== inbox.query) return;
  inbox.older = inbox.older.concat(data);
  if (data.length < ENTRIES) { inbox.atEnd = query; $("older").hidden = true; }
  showEntries();
}

// The groups are counted by reading the dead letters: only if there may be others.
async function refreshDead() {
  const { dead } = inbox.stats;
  if (dead === inbox.deadCount && Date.now() - inbox.deadAt < DEAD_POLL_MS) return;
  showDead(dead === 0 ? { data: [], is_complete: true } : await getJson("inbox/dead"));
  Object.assign(inbox, { deadCount: dead, deadAt: Date.now() });
}

async function refreshInbox() {
  const stats = await getJson("inbox");
  showStats(stats);
  showPausedTypes(stats);
  await refreshDead();
  await refreshEntries();
}

async function pollInbox() {
  while (inbox.shown) {
    try {
      await refreshInbox();
      if (Date.now() - inbox.activityAt > ACTIVITY_POLL_MS) {
        showPlots(await getJson("inbox/activity"));
        inbox.activityAt = Date.now();
      }
      setLive(true, "Live");
    } catch (error) {
      setLive(false, error.message + (error.status ? "" : " Trying again …"));
    }
    await pause(document.hidden ? HIDDEN_POLL_MS : INBOX_POLL_MS);
  }
}

function setInboxShown(shown) {
  if (shown === inbox.shown) return;
  inbox.shown = shown;
  if (!shown) return;
  if (!$("state-chips").children.length) {
    replace($("state-chips"), [["", "All"], ...Object.entries(STATES)].map(([name, label]) =>
      h("button", { class: "chip v-" + name, "data-state": name, "aria-pressed": String(name === ""), onclick: () => setEntryFilter(inbox.state === name ? "" : name) },
        h("span", null, label), h("span", { class: "n" }))));
    $("inbox-search").addEventListener("change", () => setEntryFilter(inbox.state));
    $("inbox-search").addEventListener("search", () => setEntryFilter(inbox.state));
    $("older").addEventListener("click", (event) => run(event.currentTarget, showOlder));
  }
  pollInbox();
}
]==]
