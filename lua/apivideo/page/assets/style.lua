--- The page's style. Each colour of text has a contrast of at least 4.5 with what is behind it, in both schemes.
return [==[
:root {
  color-scheme: light dark;
  --back: #f4f5f8; --card: #ffffff; --raised: #eef0f4; --line: #dde1e8; --text: #171a21; --muted: #596273;
  --accent: #3453d1; --on-accent: #ffffff; --select: #e8edff; --good: #08734a; --bad: #bf1f2c; --warn: #96490a;
  --info: #1a5fb8; --dead: #7a35b5; --str: #0b6e4f; --num: #9a3f0a; --shade: 0 1px 2px rgb(20 30 60 / .06);
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #0e1014; --card: #16191f; --raised: #20242d; --line: #2b303b; --text: #e7eaf0; --muted: #9ca6b5;
    --accent: #93aaff; --on-accent: #0e1226; --select: #222b4a; --good: #52cf96; --bad: #ff8087; --warn: #f2a65e;
    --info: #7fb4ff; --dead: #c9a2ff; --str: #7ddcb0; --num: #f2b27a; --shade: none;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html, body { height: 100%; margin: 0; }
body { display: flex; flex-direction: column; background: var(--back); color: var(--text); font: 14px/1.45 var(--sans); }
h1, h2, h3, p, dl, dd, ul { margin: 0; padding: 0; }
h2 { font-size: 17px; line-height: 1.3; } h3 { font-size: 13px; }
code, pre, .type, .ids, .took, textarea { font-family: var(--mono); font-size: 12.5px; }
a { color: var(--accent); }
button, input, select, textarea { font: inherit; color: inherit; }
textarea { font: 12.5px/1.5 var(--mono); }
button, select { background: var(--card); border: 1px solid var(--line); border-radius: 7px; padding: 5px 11px; cursor: pointer; }
button:hover:not(:disabled) { border-color: var(--muted); }
button:disabled { opacity: .55; cursor: default; }
button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-weight: 600; }
button.link { border: 0; background: none; padding: 2px 0; color: var(--accent); text-decoration: underline; }
button.quiet { padding: 2px 9px; font-size: 12.5px; }
button.icon { border: 0; background: none; padding: 4px 9px; color: var(--muted); font-size: 15px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.muted { color: var(--muted); } .good { color: var(--good); } .bad { color: var(--bad); } .grow { flex: 1; }
kbd { font: 11px var(--mono); border: 1px solid var(--line); border-bottom-width: 2px; border-radius: 4px; padding: 0 4px; color: var(--muted); background: var(--card); }

.top { display: flex; align-items: center; gap: 20px; padding: 0 20px; height: 52px; background: var(--card); border-bottom: 1px solid var(--line); flex: none; }
.brand { display: flex; align-items: center; gap: 8px; font-size: 15px; letter-spacing: -.01em; }
.brand svg { width: 20px; height: 20px; } .brand rect { fill: var(--accent); } .brand path { fill: var(--on-accent); }
.top nav { display: flex; gap: 4px; align-self: stretch; flex: 1; }
.top nav a { display: flex; align-items: center; padding: 2px 10px 0; color: var(--muted); text-decoration: none; border-bottom: 2px solid transparent; }
.top nav a:hover { color: var(--text); }
.top nav a[aria-current] { color: var(--text); font-weight: 600; border-color: var(--accent); }
.mode { font-size: 12.5px; color: var(--muted); }
.mode:empty { display: none; }
.live span { display: flex; align-items: center; gap: 7px; font-size: 12.5px; color: var(--muted); }
.live span::before { content: ""; width: 8px; height: 8px; border-radius: 50%; background: var(--muted); }
.live.on span::before { background: var(--good); }
.live.off span { color: var(--bad); font-weight: 600; } .live.off span::before { background: var(--bad); }

.view { flex: 1; min-height: 0; display: flex; flex-direction: column; }
.bar { display: flex; align-items: center; gap: 14px; padding: 12px 20px; flex-wrap: wrap; }
.search { position: relative; flex: 0 1 320px; min-width: 200px; display: flex; align-items: center; }
.search svg { position: absolute; left: 9px; width: 16px; fill: none; stroke: var(--muted); stroke-width: 1.5; stroke-linecap: round; }
.search kbd { position: absolute; right: 9px; }
.search input { width: 100%; padding: 6px 30px 6px 32px; border: 1px solid var(--line); border-radius: 8px; background: var(--card); }
.search input:focus ~ kbd, .search input:not(:placeholder-shown) ~ kbd { display: none; }
::placeholder { color: var(--muted); opacity: 1; }
.chips { display: flex; gap: 6px; flex-wrap: wrap; }
.chip { display: flex; gap: 7px; align-items: center; border-radius: 99px; padding: 4px 11px; font-size: 13px; }
.chip .n:empty { display: none; }
.chip .n { color: var(--muted); font-size: 12px; font-variant-numeric: tabular-nums; }
.chip[aria-pressed=true] { background: var(--text); border-color: var(--text); color: var(--card); }
.chip[aria-pressed=true] .n { color: inherit; }

.split { flex: 1; min-height: 0; display: flex; gap: 14px; padding: 0 20px 16px; }
.pane, .has-details .details { background: var(--card); border: 1px solid var(--line); border-radius: 11px; box-shadow: var(--shade); }
.pane { flex: 1 1 0; min-width: 0; display: flex; flex-direction: column; overflow: hidden; }
.rows { flex: 1; overflow-y: auto; overflow-anchor: none; position: relative; contain: strict; }
.rows:focus-visible { outline-offset: -2px; border-radius: 11px; }
.inner { position: relative; }
.row { position: absolute; left: 0; right: 0; height: 58px; display: grid; grid-template-columns: 104px minmax(0, 1fr) auto; gap: 0 12px; align-items: center; padding: 0 16px; border-bottom: 1px solid var(--line); cursor: pointer; contain: strict; }
.row:hover { background: var(--back); }
.row[aria-selected=true] { background: var(--select); box-shadow: inset 3px 0 var(--accent); }
.what, .when { display: flex; flex-direction: column; gap: 1px; min-width: 0; }
.type, .ids { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.type { font-weight: 600; } .type.unverified { color: var(--muted); font-style: italic; font-weight: 400; }
.ids, .took { color: var(--muted); font-size: 12px; }
.why { color: var(--c, var(--muted)); font-family: var(--sans); }
.when { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; font-size: 13px; }
.badge { display: inline-flex; align-items: center; gap: 7px; font-size: 12.5px; font-weight: 600; color: var(--c, var(--muted)); white-space: nowrap; }
.badge::before { content: ""; width: 8px; height: 8px; border-radius: 50%; background: currentColor; flex: none; }
.v-handled { --c: var(--good); } .v-stored, .v-waiting, .v-claimed { --c: var(--info); } .v-failed { --c: var(--bad); } .v-rejected { --c: var(--warn); }
.v-dead { --c: var(--dead); } .v-done { --c: var(--good); }
.chip[data-result]:not([data-result=""])::before { content: ""; width: 7px; height: 7px; border-radius: 50%; background: var(--c, var(--muted)); }
.foot { display: flex; justify-content: space-between; gap: 12px; padding: 8px 16px; border-top: 1px solid var(--line); color: var(--muted); font-size: 12.5px; }
.empty { flex: 1; display: flex; flex-direction: column; align-items: center; justify-content: center; gap: 8px; padding: 40px; text-align: center; color: var(--muted); }
.empty h2 { color: var(--text); }

.details { display: none; flex: 1.15 1 0; min-width: 0; overflow-y: auto; padding: 16px 20px 20px; }
.has-details .details { display: block; }
.details-head { display: flex; justify-content: space-between; align-items: flex-start; gap: 12px; }
.details-head h2 { font-family: var(--mono); font-size: 15px; overflow-wrap: anywhere; }
.details-head p { display: flex; gap: 10px; align-items: center; margin-top: 3px; font-size: 12.5px; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
.details .actions { margin: 14px 0; }
.facts { display: grid; grid-template-columns: 96px minmax(0, 1fr); gap: 5px 14px; font-size: 13px; }
.facts dt { color: var(--muted); } .facts dd { overflow-wrap: anywhere; }
.block { margin-top: 18px; }
.block-head { display: flex; align-items: center; gap: 10px; margin-bottom: 8px; font-size: 12.5px; min-height: 27px; }
.block-head .muted { white-space: nowrap; }
.block-head .toggle { margin-left: auto; }
.toggle { display: flex; }
.toggle button { padding: 2px 10px; font-size: 12.5px; border-radius: 0; }
.toggle button:first-child { border-radius: 7px 0 0 7px; } .toggle button:last-child { border-radius: 0 7px 7px 0; border-left: 0; }
.toggle button[aria-pressed=true] { background: var(--raised); font-weight: 600; }
.problem { border-left: 3px solid var(--bad); padding-left: 12px; }
.problem .block-head { margin-bottom: 2px; } .problem h3 { color: var(--bad); }
.problem .message { overflow-wrap: anywhere; white-space: pre-wrap; margin-bottom: 6px; }
.problem summary { color: var(--muted); font-size: 12.5px; cursor: pointer; margin-bottom: 4px; }
pre.raw { margin: 0; padding: 10px 12px; background: var(--back); border: 1px solid var(--line); border-radius: 8px; overflow: auto; max-height: 60vh; white-space: pre-wrap; overflow-wrap: anywhere; }
.payload > .tree { padding: 10px 12px; background: var(--back); border: 1px solid var(--line); border-radius: 8px; }
.tree { list-style: none; font: 12.5px/1.65 var(--mono); overflow-wrap: anywhere; }
.tree .tree { padding-left: 18px; border-left: 1px solid var(--line); margin-left: 4px; }
.tree summary { cursor: pointer; }
.t-key { color: var(--info); } .t-index, .t-size, .t-null { color: var(--muted); } .t-str { color: var(--str); } .t-num, .t-bool { color: var(--num); }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
.headers th, .headers td { text-align: left; vertical-align: top; padding: 5px 0; border-top: 1px solid var(--line); font: 12.5px/1.5 var(--mono); overflow-wrap: anywhere; }
.headers thead th { border: 0; }
.headers th { color: var(--muted); padding-right: 16px; width: 38%; }

.inbox-split { padding-top: 16px; }
.scroll { flex: 1.3 1 0; min-width: 0; overflow-y: auto; display: flex; flex-direction: column; gap: 14px; container-type: inline-size; padding-bottom: 2px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 11px; box-shadow: var(--shade); flex: none; }
.card-head { display: flex; flex-wrap: wrap; align-items: center; gap: 10px 14px; padding: 12px 16px; }
.card-head h2 { font-size: 15px; }
.card-head .search { flex: 1 1 220px; max-width: 320px; }
.tiles { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 12px; flex: none; }
@container (max-width: 820px) { .tiles { grid-template-columns: repeat(3, minmax(0, 1fr)); } .entries td { padding: 7px 8px; } }
.tile { padding: 11px 14px 12px; display: flex; flex-direction: column; align-items: flex-start; }
.tile .label, .tile .note { color: var(--muted); font-size: 12.5px; }
.tile .value { font-size: 23px; line-height: 1.35; font-weight: 650; font-variant-numeric: tabular-nums; letter-spacing: -.01em; }
.tile.bad, .tile.warn { color: inherit; } .tile.bad .value { color: var(--bad); } .tile.warn .value { color: var(--warn); }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 12px; flex: none; }
.plot { margin: 0; padding: 12px 14px 8px; } .plot h2 { font-size: 13px; }
.plot figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 4px 12px; margin-bottom: 6px; }
.plot svg { width: 100%; display: block; } .plot text { font: 11px var(--sans); fill: var(--muted); }
.grid { stroke: var(--line); } .line { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; }
.p-info { --c: var(--info); } .p-good { --c: var(--good); } .p-bad { --c: var(--bad); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 12px; list-style: none; font-size: 12px; color: var(--muted); }
.legend li { display: flex; align-items: center; gap: 6px; } .legend li::before { content: ""; width: 12px; height: 3px; border-radius: 2px; background: var(--c); }
.table-scroll { overflow-x: auto; }
.entries th, .groups th { text-align: left; font-weight: 500; color: var(--muted); font-size: 12px; padding: 4px 8px; border-bottom: 1px solid var(--line); white-space: nowrap; }
.entries td, .groups td { padding: 8px; border-bottom: 1px solid var(--line); vertical-align: middle; }
.entries tr > :first-child, .groups tr > :first-child { padding-left: 16px; } .entries tr > :last-child, .groups tr > :last-child { padding-right: 16px; }
.groups tr:last-child td { border-bottom: 0; }
.groups th.right, .entries th.right, td.right { text-align: right; font-variant-numeric: tabular-nums; } .nowrap { white-space: nowrap; }
.count { font-weight: 650; }
.entries tbody tr { cursor: pointer; } .entries tbody tr:hover { background: var(--back); }
.entries tr[aria-current] { background: var(--select); box-shadow: inset 3px 0 var(--accent); }
td.what { display: table-cell; width: 100%; max-width: 0; } .entries .what a { color: inherit; text-decoration: none; }
td .type, td .ids { display: block; }
button.plain { display: block; border: 0; background: none; padding: 0; max-width: 100%; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; text-align: left; }
button.plain:hover { text-decoration: underline; }
.none { padding: 20px 16px; text-align: center; } .more { text-align: center; padding: 12px; } .more:has([hidden]) { display: none; }
.actions.end { justify-content: flex-end; margin-top: 16px; }
a.button { border: 1px solid var(--line); border-radius: 7px; padding: 5px 11px; color: inherit; text-decoration: none; }
a.button:hover { border-color: var(--muted); }
.attempts, .timeline { list-style: none; margin: 0; padding: 0; }
.attempts > li { border-left: 3px solid var(--c); padding: 1px 0 1px 12px; margin-bottom: 12px; font-size: 13px; }
.attempts p:first-child { display: flex; flex-wrap: wrap; gap: 2px 12px; } .attempts .message { color: var(--c); overflow-wrap: anywhere; }
.attempts summary { color: var(--muted); font-size: 12.5px; cursor: pointer; margin: 3px 0; }
.timeline { margin-top: 16px; }
.timeline li { display: grid; grid-template-columns: 76px minmax(0, 1fr); gap: 0 30px; padding-bottom: 16px; position: relative; }
.timeline .since { text-align: right; color: var(--muted); font-size: 12.5px; font-variant-numeric: tabular-nums; padding-top: 2px; }
.timeline li::before { content: ""; position: absolute; left: 86px; top: 6px; width: 10px; height: 10px; border-radius: 50%; background: var(--c, var(--muted)); }
.timeline li:not(:last-child)::after { content: ""; position: absolute; left: 90px; top: 20px; bottom: -2px; width: 2px; background: var(--line); }
.timeline a { font: 600 12.5px var(--mono); color: var(--text); text-decoration: none; overflow-wrap: anywhere; } .timeline a:hover { text-decoration: underline; }
.timeline .muted { overflow-wrap: anywhere; font-size: 12.5px; display: flex; flex-wrap: wrap; gap: 0 10px; } .timeline .state { color: var(--c); }

dialog { width: min(760px, calc(100vw - 32px)); border: 1px solid var(--line); border-radius: 12px; padding: 20px; background: var(--card); color: var(--text); box-shadow: 0 20px 60px rgb(0 0 0 / .3); }
dialog::backdrop { background: rgb(10 14 25 / .5); }
dialog textarea { width: 100%; height: 46vh; margin: 12px 0; padding: 10px 12px; border: 1px solid var(--line); border-radius: 8px; background: var(--back); resize: vertical; }
.toasts { position: fixed; right: 20px; bottom: 20px; display: flex; flex-direction: column; gap: 8px; align-items: flex-end; max-width: min(420px, calc(100vw - 40px)); z-index: 2; }
.toast { padding: 9px 14px; border-radius: 9px; background: var(--text); color: var(--card); font-size: 13px; overflow-wrap: anywhere; box-shadow: 0 6px 24px rgb(0 0 0 / .25); }
.toast.bad::before, .toast.good::before { content: ""; display: inline-block; width: 8px; height: 8px; border-radius: 50%; margin-right: 8px; background: #ff6b74; }
.toast.good::before { background: #3fc48a; }

@media (max-width: 860px) {
  .top { padding: 0 14px; gap: 12px; } .bar { padding: 10px 14px; } .split { padding: 0 14px 14px; }
  .search { flex: 1 1 100%; } .keys { display: none; }
  .chips { flex-wrap: nowrap; overflow-x: auto; padding: 2px; margin: 0 -2px; max-width: 100%; } .chip { flex: none; }
  .has-details .pane, .has-details .bar, .has-details .scroll { display: none; }
  .has-details .split { padding-top: 14px; }
  .row { grid-template-columns: 10px minmax(0, 1fr) auto; padding: 0 12px; }
  .row .badge, .entries .badge { font-size: 0; gap: 0; }
  .inbox-split { padding-top: 12px; } .tile { padding: 9px 11px 10px; } .tile .value { font-size: 18px; }
  .entries th:nth-child(3), .entries td:nth-child(3), .groups .last { display: none; }
  .entries th:first-child { font-size: 0; padding-right: 0; } .card-head .search { max-width: none; }
}
@media (max-width: 480px) {
  .row { grid-template-columns: 10px minmax(0, 1fr); } .row .ids { padding-right: 78px; }
  .when { position: absolute; right: 12px; bottom: 9px; } .when .took { display: none; } .when time { font-size: 12px; color: var(--muted); }
  .entries th:nth-child(4), .entries td:nth-child(4), .tile .note { display: none; }
  .card-head .note { font-size: 0; }
  .facts { grid-template-columns: 76px minmax(0, 1fr); } .block-head .toggle { margin-left: 0; }
  .timeline li { grid-template-columns: 60px minmax(0, 1fr); } .timeline li::before { left: 70px; } .timeline li:not(:last-child)::after { left: 74px; }
  .timeline .since { white-space: nowrap; }
  dialog { padding: 16px; } dialog .actions .grow { display: none; } dialog .actions select { flex: 1 1 60%; min-width: 0; } dialog textarea { height: 38vh; }
}
@media (prefers-reduced-motion: no-preference) { button, .row, .top nav a { transition: background-color .12s, border-color .12s, color .12s; } }
]==]
