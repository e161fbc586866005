--- The page's script, part 3: the list of deliveries, which is polled, searched and filtered.
return [==[
const POLL_MS = 1000, HIDDEN_POLL_MS = 5000, RETRY_MS = 2000, BATCH = 250;

const deliveries = { all: [], shown: [], last: 0, result: null, words: [], counts: {} };

const haystack = (d) => [d.type, d.subject, d.detail, d.result, d.status, d.webhook_id, d.problem, "#" + d.id].join(" ").toLowerCase();

const matches = (d) => (!deliveries.result || d.result === deliveries.result)
  && deliveries.words.every((word) => d.haystack.includes(word));

function renderRow(d) {
  return h("div", { class: "row v-" + d.result },
    badge(d.result),
    h("span", { class: "what" },
      h("span", { class: "type" + (d.verified ? "" : " unverified") }, d.type || "not an event"),
      h("span", { class: "ids" }, [d.detail, d.subject].filter(Boolean).join(" · "),
        d.problem ? h("span", { class: "why" }, (d.subject ? " · " : "") + d.problem) : !d.subject && "–")),
    h("span", { class: "when" },
      timeOf(d.at_ms),
      h("span", { class: "took" }, (d.replay_of ? "replay · " : "") + d.status + " · " + duration(d.ms))));
}

const list = new VirtualList($("rows"), renderRow, (id) => { location.hash = "deliveries/" + id; }, (id) => {
  if (id != null && document.body.classList.contains("has-details")) location.replace("#deliveries/" + id);
});

function applyFilter() {
  deliveries.shown = deliveries.all.filter(matches);
  list.setItems(deliveries.shown);
  $("rows").scrollTop = 0;
  showCounts();
}

function showCounts() {
  const { all, shown, result, words } = deliveries;
  $("count").textContent = shown.length === all.length ? plural(all.length, "delivery", "deliveries")
    : numbers.format(shown.length) + " of " + plural(all.length, "delivery", "deliveries");
  const empty = $("empty");
  empty.hidden = shown.length > 0;
  $("rows").hidden = shown.length === 0;
  const filtered = result != null || words.length > 0;
  if (!empty.hidden) {
    replace(empty, h("h2", null, filtered ? "No match" : "No deliveries yet"),
      h("p", null, filtered ? "No delivery matches the search and the filter." : "Events appear here as soon as the receiver gets them."),
      filtered && h("button", { onclick: clearFilter }, "Clear search and filter"));
  }
  for (const chip of $("chips").children) {
    const count = chip.dataset.result ? deliveries.counts[chip.dataset.result] || 0 : all.length;
    chip.hidden = chip.dataset.result !== "" && !count && chip.dataset.result !== result;
    chip.setAttribute("aria-pressed", String((chip.dataset.result || null) === result));
    chip.lastChild.textContent = numbers.format(count);
  }
}

function clearFilter() {
  deliveries.result = null;
  $("search").value = "";
  deliveries.words = [];
  applyFilter();
  $("rows").focus();
}

function setUpFilter() {
  const chip = (result, label) => h("button", { class: "chip v-" + result, "data-result": result, "aria-pressed": "false",
    onclick: () => { deliveries.result = deliveries.result === result ? null : result || null; applyFilter(); } },
    h("span", null, label), h("span", { class: "n" }, "0"));
  replace($("chips"), chip("", "All"), Object.entries(RESULTS).map(([result, label]) => chip(result, label)));
  $("search").addEventListener("input", () => {
    deliveries.words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    applyFilter();
  });
}

function reset() {
  Object.assign(deliveries, { all: [], shown: [], last: 0, counts: {} });
  list.setItems(deliveries.shown);
  list.select(null);
  showCounts();
}

// Removes what the server no longer has.
function dropBefore(first) {
  const { all, counts } = deliveries;
  let gone = 0;
  while (gone < all.length && all[gone].id < first) counts[all[gone++].result]--;
  if (!gone) return;
  deliveries.all = all.slice(gone);
  deliveries.shown = deliveries.shown.filter((d) => d.id >= first);
  list.setItems(deliveries.shown);
}

function add(data) {
  let added = 0;
  for (const d of data) {
    d.haystack = haystack(d);
    deliveries.all.push(d);
    deliveries.counts[d.result] = (deliveries.counts[d.result] || 0) + 1;
    if (matches(d)) { deliveries.shown.push(d); added++; }
  }
  if (added) { list.items = deliveries.shown; list.grew(added); }
}

// Gets what is new. Returns whether there is more.
async function poll() {
  const batch = await getJson("deliveries?limit=" + BATCH + "&after=" + deliveries.last);
  if (batch.instance !== state.instance) {
    const restarted = state.instance != null;
    Object.assign(state, await getJson("state"));
    showMode();
    if (restarted) { reset(); toast("The server was started again: its earlier deliveries are gone."); return true; }
  }
  add(batch.data);
  if (batch.data.length) deliveries.last = batch.data[batch.data.length - 1].id;
  dropBefore(batch.first);
  if (batch.data.length) showCounts();
  return batch.data.length === BATCH;
}

const pause = (ms) => new Promise((resolve) => {
  const timer = setTimeout(done, ms);
  function done() { clearTimeout(timer); document.removeEventListener("visibilitychange", done); resolve(); }
  document.addEventListener("visibilitychange", done);
});

async function pollForever() {
  for (;;) {
    try {
      const more = await poll();
      setLive(true, "Live");
      if (more) await new Promise(requestAnimationFrame);
      else await pause(document.hidden ? HIDDEN_POLL_MS : POLL_MS);
    } catch (error) {
      setLive(false, error instanceof Failure ? error.message + (error.status ? "" : " Trying again …") : String(error));
      await pause(RETRY_MS);
    }
  }
}
]==]
