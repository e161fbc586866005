--- The page's script, last part: views, keys, and the start.
return [==[
function showMode() {
  $("tab-inbox").hidden = !state.inbox;
  $("mode").textContent = state.write ? "" : "Read-only";
  $("mode").title = state.write ? "" : "Create the page with write = true to send again, redrive and pause";
}

let view = null;

function showView(name) {
  if (view === name) return;
  view = name;
  for (const each of ["deliveries", "inbox"]) {
    $(each).hidden = each !== name;
    if (each === name) $("tab-" + each).setAttribute("aria-current", "page");
    else $("tab-" + each).removeAttribute("aria-current");
  }
  document.title = (name === "inbox" ? "Inbox" : "Deliveries") + " – apivideo";
  setInboxShown(name === "inbox");
}

let focusNext = false;

// A part of the address as text; as it is, if its escapes are malformed.
function decoded(text) {
  try { return decodeURIComponent(text); } catch (error) { return text; }
}

function route() {
  takeToken();
  const [name, id] = location.hash.slice(1).split("/");
  if (name === "inbox" || name === "video") {
    showView("inbox");
    return routeInbox(name, id && decoded(id));
  }
  showView("deliveries");
  replace($("entry"));
  if (/^\d+$/.test(id || "")) openDetails(Number(id), focusNext); else hideDetails();
  focusNext = false;
}

const isTyping = (target) => target.closest("input, textarea, select, dialog");

function onDeliveriesKey(event) {
  const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }[event.key];
  const inDetails = event.target.closest("#details");
  if (step && !(inDetails && event.key.length > 1)) {
    event.preventDefault();
    list.move(step);
    if (!inDetails) $("rows").focus({ preventScroll: true });
  } else if (event.key === "Enter" && list.selected != null && !event.target.closest("button, a, summary, input")) {
    event.preventDefault();
    focusNext = true;
    if (location.hash === "#deliveries/" + list.selected) route(); else location.hash = "deliveries/" + list.selected;
  } else if (event.key === "Escape" && document.body.classList.contains("has-details")) {
    closeDetails();
  }
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.key === "Escape" && event.target.id === "search") {
    if (event.target.value) clearFilter(); else $("rows").focus();
    return event.preventDefault();
  }
  if (event.target.id === "search" && (event.key === "ArrowDown" || event.key === "Enter")) {
    event.preventDefault();
    $("rows").focus();
    return list.move(list.selected == null ? 1 : 0);
  }
  if (isTyping(event.target)) return;
  const field = view === "inbox" ? "inbox-search" : "search";
  if (event.key === "/" && $(field)) { event.preventDefault(); $(field).focus(); $(field).select(); }
  else if (view === "deliveries") onDeliveriesKey(event);
  else onInboxKey(event);
});

async function start() {
  takeToken();
  setUpFilter();
  showCounts();
  window.addEventListener("hashchange", route);
  for (;;) {
    try { Object.assign(state, await getJson("state")); break; } catch (error) {
      setLive(false, error.message);
      await pause(RETRY_MS);
    }
  }
  showMode();
  if (!state.receiver && !location.hash) location.replace("#inbox");
  $("tab-deliveries").hidden = !state.receiver;
  route();
  pollForever();
}

start();
]==]
