--- The page's script, part 8: one entry of the inbox, and the events of a video.
return [==[
function attemptsBlock(attempts, total) {
  if (!attempts.length) return null;
  return h("section", { class: "block", "aria-label": "Attempts" },
    h("div", { class: "block-head" }, h("h3", null, "Attempts"), h("span", { class: "muted" }, attempts.length < total ? "the last " + attempts.length + " of " + total : total)),
    h("ol", { class: "attempts" }, attempts.map((attempt) => h("li", { class: attempt.error ? "v-failed" : "v-handled" },
      h("p", null, h("span", { class: "nowrap" }, moment(attempt.at_ms)), h("span", { class: "muted" }, attempt.seconds == null ? "" : duration(attempt.seconds * 1000)),
        attempt.worker && h("span", { class: "muted", title: "The worker" }, attempt.worker)),
      attempt.error && h("p", { class: "message" }, attempt.error),
      attempt.traceback && h("details", null, h("summary", null, "Traceback"),
        h("pre", { class: "raw", tabindex: "0", role: "region", "aria-label": "Traceback" }, attempt.traceback.trim()))))));
}

function entryFacts(entry) {
  return h("dl", { class: "facts" },
    fact("Received", moment(entry.at_ms)), entry.subject && fact(/^li/.test(entry.subject) ? "Live stream" : "Video", h("code", null, entry.subject)),
    entry.detail && fact("Details", entry.detail), entry.webhook_id && fact("Webhook", h("code", null, entry.webhook_id)),
    fact("Origin", { webhook: "a delivery", reconcile: "found by reconciling", derived: "derived from another event" }[entry.origin] || entry.origin));
}

function entryActions(entry) {
  const redriveIt = (event) => run(event.currentTarget, () => redrive({ id: entry.id }, "", false));
  return h("div", { class: "actions", role: "group", "aria-label": "Actions" },
    state.write && entry.state === "dead" && h("button", { class: "primary", onclick: redriveIt }, "Redrive"),
    entry.video_id && h("a", { class: "button", href: "#video/" + encodeURIComponent(entry.video_id) }, "Timeline of the video"));
}

function entryOf(entry, text) {
  const hasFailed = entry.attempts.some((attempt) => attempt.error);
  return [
    panelHead(wrapped(entry.type || "Not an event"), closeEntry,
      h("p", null, badge(entry.state, STATES[entry.state]), h("span", { class: "muted" }, "#" + entry.id))),
    entryActions(entry), entryFacts(entry), entry.error && !hasFailed && errorBlock("Error", { message: entry.error }),
    attemptsBlock(entry.attempts, entry.attempt),
    entry.size ? bodySection(text, entry.size) : h("p", { class: "muted block" }, "The inbox does not keep the body of an entry that is done.")];
}

function openEntry(id) {
  inbox.id = id;
  showEntries();
  return fillPanel($("entry"), "Entry #" + id, closeEntry, () => withBody("inbox/entries/" + id, entryOf));
}

function timelineItem(entry, begin) {
  return h("li", { class: "v-" + entry.state },
    h("span", { class: "since" }, entry.at_ms === begin ? timeOf(begin) : "+" + duration(entry.at_ms - begin)),
    h("div", null, h("a", { href: "#inbox/" + entry.id }, entry.detail || wrapped(entry.type || "not an event")),
      h("p", { class: "muted" }, h("span", null, entry.detail ? wrapped(entry.type) : ""), h("span", { class: "state" }, STATES[entry.state]),
        entry.error && h("span", { class: "why" }, entry.error))));
}

// The events of a video in order, with the time since the first one.
function openTimeline(video) {
  inbox.id = null;
  showEntries();
  return fillPanel($("entry"), video, closeEntry, async () => {
    const { data } = await getJson("inbox/videos/" + encodeURIComponent(video));
    return [
      panelHead(video, closeEntry, h("p", null, h("span", { class: "muted" }, plural(data.length, "event") + " of this video, in order"))),
      data.length ? h("ol", { class: "timeline" }, data.map((entry) => timelineItem(entry, data[0].at_ms)))
        : h("p", { class: "block muted" }, "The inbox has no event of this video.")];
  });
}

function closeEntry() {
  const row = inbox.id && $("entries").querySelector("[data-id='" + inbox.id + "'] a");
  location.hash = "inbox";
  (row || $("inbox-main")).focus({ preventScroll: true });
}

function routeInbox(name, id) {
  hideDetails();
  replace($("entry"));
  inbox.id = null;
  if (name === "video" && id) openTimeline(id);
  else if (/^\d+$/.test(id || "")) openEntry(Number(id));
  else showEntries();
}

function onInboxKey(event) {
  const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
  if (event.key === "Escape" && document.body.classList.contains("has-details")) return closeEntry();
  if (!step || (event.target.closest("#entry") && event.key.length > 1)) return;
  const links = [...$("entries").querySelectorAll("a")];
  if (!links.length) return;
  event.preventDefault();
  const at = links.findIndex((link) => link === document.activeElement || Number(link.closest("tr").dataset.id) === inbox.id);
  const next = links[Math.min(links.length - 1, Math.max(0, at + (at < 0 && step < 0 ? 1 : step)))];
  next.focus();
  if (document.body.classList.contains("has-details")) location.replace(next.hash);
}
]==]
