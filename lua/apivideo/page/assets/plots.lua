--- The page's script, part 6: lines over the last hour, as SVG.
return [==[
const PLOT = { width: 560, height: 132, left: 54, right: 8, top: 8, bottom: 20 };

// A round number that is at least as large, for the end of an axis.
function roundUp(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= value * 0.999);
}

const svg = (tag, properties, ...children) => h(tag, { svg: true, ...properties }, ...children);

// `series` is a list of { name, kind, values }; a value of null is a gap.
function plot(title, times, series, format) {
  const { width, height, left, right, top, bottom } = PLOT;
  const most = roundUp(Math.max(0, ...series.flatMap((s) => s.values.filter((v) => v != null))));
  const x = (i) => left + (width - left - right) * (times.length > 1 ? i / (times.length - 1) : 1);
  const y = (value) => top + (height - top - bottom) * (1 - value / most);
  const path = (values) => values.map((v, i) => v == null ? "" : (i === 0 || values[i - 1] == null ? "M" : "L") + x(i).toFixed(1) + " " + y(v).toFixed(1)).join("");
  const last = (values) => { const known = values.filter((v) => v != null); return known.length ? known[known.length - 1] : null; };
  const grid = [0, most / 2, most].map((value) => svg("g", null,
    svg("line", { class: "grid", x1: left, x2: width - right, y1: y(value), y2: y(value) }),
    svg("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, format(value))));
  const hours = [0, Math.floor((times.length - 1) / 2), times.length - 1].map((i, place) =>
    svg("text", { x: x(i), y: height - 4, "text-anchor": ["start", "middle", "end"][place] }, clock(times[i]).slice(0, 5)));
  const summary = title + ", last hour. " + series.map((s) => s.name + ": now " + (last(s.values) == null ? "none" : format(last(s.values)))).join(", ");
  return h("figure", { class: "card plot" },
    h("figcaption", null, h("h2", null, title),
      h("ul", { class: "legend" }, series.map((s) => h("li", { class: "p-" + s.kind }, s.name)))),
    svg("svg", { viewBox: "0 0 " + width + " " + height, role: "img", "aria-label": summary }, grid, hours,
      series.map((s) => svg("path", { class: "line p-" + s.kind, d: path(s.values) }))));
}

function showPlots(activity) {
  const { data } = activity, times = data.map((s) => s.at_ms);
  const rate = (name) => data.map((s) => s[name]);
  const plots = $("plots");
  plots.hidden = data.length < 2;
  if (plots.hidden) return;
  replace(plots,
    plot("Events per minute", times, [{ name: "Received", kind: "info", values: rate("received") },
      { name: "Handled", kind: "good", values: rate("handled") }, { name: "Failed attempts", kind: "bad", values: rate("failed") }],
    (value) => String(Math.round(value * 10) / 10)),
    plot("Latency until handled", times, [{ name: "Mean", kind: "info", values: data.map((s) => s.latency == null ? null : s.latency * 1000) }],
      (value) => value === 0 ? "0" : duration(value)));
}
]==]
