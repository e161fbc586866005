--- The document of the page. @STYLE@, @SCRIPT@ and @NONCE@ are replaced in html.lua.
return [==[
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Deliveries – apivideo</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%233453d1'/%3E%3Cpath d='M6 4.5v7L12 8z' fill='white'/%3E%3C/svg%3E">
<style nonce="@NONCE@">@STYLE@</style>
</head>
<body>
<header class="top">
  <h1 class="brand"><svg viewBox="0 0 16 16" aria-hidden="true"><rect width="16" height="16" rx="4"/><path d="M6 4.5v7L12 8z"/></svg>apivideo</h1>
  <nav aria-label="Views">
    <a href="#deliveries" id="tab-deliveries">Deliveries</a>
    <a href="#inbox" id="tab-inbox" hidden>Inbox</a>
  </nav>
  <p class="mode" id="mode"></p>
  <p class="live" id="live" role="status"><span>Connecting</span></p>
</header>
<main id="deliveries" class="view" aria-label="Deliveries" hidden>
  <div class="bar">
    <label class="search"><span class="sr">Search deliveries</span>
      <svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="7" cy="7" r="4.5"/><path d="m10.5 10.5 3.5 3.5"/></svg>
      <input id="search" type="search" placeholder="Search type, id, error" autocomplete="off" spellcheck="false"><kbd aria-hidden="true">/</kbd></label>
    <div class="chips" id="chips" role="group" aria-label="Filter by outcome"></div>
  </div>
  <div class="split">
    <section class="pane" aria-label="List of deliveries">
      <div class="rows" id="rows" role="listbox" tabindex="0" aria-label="Deliveries, newest first"></div>
      <div class="empty" id="empty" hidden></div>
      <p class="foot"><span id="count"></span><span class="keys" aria-hidden="true"><kbd>j</kbd><kbd>k</kbd> move <kbd>Enter</kbd> open <kbd>Esc</kbd> close</span></p>
    </section>
    <section class="details" id="details" aria-label="Details of the delivery" tabindex="-1"></section>
  </div>
</main>
<main id="inbox" class="view" aria-label="Inbox" hidden>
  <div class="split inbox-split">
    <div class="scroll" id="inbox-main" tabindex="-1">
      <section class="tiles" id="tiles" aria-label="Numbers of the inbox"></section>
      <section class="plots" id="plots" aria-label="The last hour" hidden></section>
      <section class="card" id="paused" aria-label="Paused types" hidden></section>
      <section class="card" id="dead" aria-label="Dead letters" hidden></section>
      <section class="card" aria-label="Entries">
        <div class="card-head">
          <h2>Entries</h2>
          <label class="search"><span class="sr">Search entries</span>
            <svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="7" cy="7" r="4.5"/><path d="m10.5 10.5 3.5 3.5"/></svg>
            <input id="inbox-search" type="search" placeholder="Video id, type or error" autocomplete="off" spellcheck="false"><kbd aria-hidden="true">/</kbd></label>
          <div class="chips" id="state-chips" role="group" aria-label="Filter by state"></div>
        </div>
        <div class="table-scroll" id="entries-table" hidden><table class="entries">
          <thead><tr><th scope="col">State</th><th scope="col">Event</th><th scope="col" class="right">Attempts</th><th scope="col" class="right">Received</th></tr></thead>
          <tbody id="entries"></tbody>
        </table></div>
        <p class="none muted" id="no-entries" hidden></p>
        <p class="more"><button id="older" hidden>Show older entries</button></p>
      </section>
    </div>
    <section class="details" id="entry" aria-label="Details of the entry" tabindex="-1"></section>
  </div>
</main>
<dialog id="editor" aria-labelledby="editor-title"></dialog>
<div id="toasts" class="toasts" role="status" aria-live="polite"></div>
<script nonce="@NONCE@">@SCRIPT@</script>
</body>
</html>
]==]
