"use strict";

const colours = ["#37872d", "#e0b400", "#3274d9", "#fa6400", "#c4162a", "#8f3bb8", "#1f9e9e", "#a16a94", "#5b6f2e", "#8a5a2b", "#2f4858", "#d6456f"];
const ink = "#6b7280", faint = "#eceef1", font = '11px "DejaVu Sans", Arial, sans-serif';

// The units that dashboards.go lets through, written as Grafana writes them.
const scaled = (v, base, names) => {
  let i = 0;
  for (let size = Math.abs(v); size >= base && i < names.length - 1; size /= base) i++;
  return trim(v / base ** i) + names[i];
};
const trim = (v) => (Math.abs(v) >= 100 ? v.toFixed(0) : Math.abs(v) >= 10 ? v.toFixed(1) : v.toPrecision(3)).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
const seconds = (v) => {
  const size = Math.abs(v);
  if (size === 0) return "0 s";
  if (size < 1e-3) return trim(v * 1e6) + " µs";
  if (size < 1) return trim(v * 1e3) + " ms";
  if (size < 60) return trim(v) + " s";
  return size < 3600 ? trim(v / 60) + " min" : trim(v / 3600) + " h";
};
const units = {
  short: (v) => scaled(v, 1000, ["", " K", " Mil", " Bil"]),
  s: seconds,
  cps: (v) => scaled(v, 1000, [" c/s", "K c/s", "M c/s"]),
  bytes: (v) => scaled(v, 1024, [" B", " KiB", " MiB", " GiB"]),
  percentunit: (v) => trim(v * 100) + "%",
};

const element = (tag, className, text) => {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
};
const latest = (line) => line.values.findLast((v) => v !== null);
// How far apart the marks of an axis may be, where not powers of ten say it best.
const minutes = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
const steps = {
  s: [...[-6, -5, -4, -3, -2, -1].flatMap((e) => [1, 2, 5].map((n) => n * 10 ** e)), ...minutes],
  bytes: Array.from({ length: 44 }, (_, e) => 2 ** e),
};
const axes = (write, width, unit) => [
  { stroke: ink, font, grid: { stroke: faint, width: 1 }, ticks: { show: false }, space: 70, size: 24, incrs: minutes, values: (_, at) => at.map((t) => new Date(t * 1000).toISOString().slice(11, 19)) },
  { stroke: ink, font, grid: { stroke: faint, width: 1 }, ticks: { show: false }, space: 28, size: width, ...(steps[unit] && { incrs: steps[unit] }), values: (_, splits) => splits.map((v) => (v === null ? "" : write(v))) },
];

function timeseries(panel, body) {
  const chart = body.appendChild(element("div", "chart")), legend = body.appendChild(element("div", "legend"));
  const named = panel.lines.map((line, i) => ({ label: line.name, stroke: colours[i % colours.length], width: 1.5, points: { show: false }, spanGaps: false }));
  named.forEach((series) => {
    const entry = legend.appendChild(element("span")), mark = entry.appendChild(element("i"));
    mark.style.background = series.stroke;
    entry.append(series.label);
  });
  const top = Math.max(...panel.lines.flatMap((line) => line.values), 0);
  const range = (_, low, high) => [panel.min ?? low, top > 0 ? uPlot.rangeNum(0, high, 0.1, true)[1] : 1];
  new uPlot({
    width: chart.clientWidth, height: chart.clientHeight, legend: { show: false }, cursor: { show: false }, scales: { x: { time: false }, y: { range } },
    axes: axes(units[panel.unit], 66, panel.unit), series: [{}, ...named],
  }, [drawing.times, ...panel.lines.map((line) => line.values)], chart);
}

function stat(panel, body) {
  const all = body.appendChild(element("div", "stats"));
  for (const line of panel.lines) {
    const one = all.appendChild(element("div", "stat"));
    one.append(element("b", "", units[panel.unit](latest(line))), element("span", "", line.name));
  }
}

function heatmap(panel, body) {
  const chart = body.appendChild(element("div", "chart"));
  const rows = panel.lines.map((line) => line.values), most = Math.max(...rows.flat(), 1);
  const ends = panel.lines.map((line) => (line.name === "+Inf" ? "+Inf" : seconds(Number(line.name))));
  const cells = (u) => {
    const step = drawing.times[1] - drawing.times[0];
    rows.forEach((row, i) => row.forEach((count, j) => {
      if (!count) return;
      const left = u.valToPos(drawing.times[j] - step, "x", true), right = u.valToPos(drawing.times[j], "x", true);
      const bottom = u.valToPos(i, "y", true), top = u.valToPos(i + 1, "y", true);
      u.ctx.fillStyle = `rgba(217, 72, 1, ${0.12 + 0.88 * Math.sqrt(count / most)})`;
      u.ctx.fillRect(Math.max(left, u.bbox.left), top, right - Math.max(left, u.bbox.left), bottom - top - 1);
    }));
  };
  const [x, y] = axes((i) => ends[i - 1] ?? "", 66);
  new uPlot({
    width: chart.clientWidth, height: chart.clientHeight, legend: { show: false }, cursor: { show: false },
    scales: { x: { time: false }, y: { range: [0, rows.length] } }, axes: [x, { ...y, splits: () => rows.map((_, i) => i + 1) }],
    series: [{}, { show: true, stroke: "transparent" }], hooks: { draw: [cells] },
  }, [drawing.times, drawing.times.map(() => null)], chart);
}

const kinds = { timeseries, stat, heatmap };

for (const choice of drawing.choices) {
  const shown = element("div", "variable"), values = choice.shown === "All" ? `All (${choice.values.join(", ")})` : choice.shown;
  shown.append(element("b", "", choice.label), element("span", "", values));
  document.getElementById("variables").append(shown);
}
const [first, last] = [drawing.times[0], drawing.times.at(-1)].map((t) => new Date(t * 1000).toISOString().slice(0, 19).replace("T", " "));
document.getElementById("range").textContent = `${first} to ${last.slice(11)} UTC, $__rate_interval ${drawing.rate}`;

for (const panel of drawing.panels) {
  const body = element("section", "panel");
  body.style.gridColumn = `${panel.x + 1} / span ${panel.w}`;
  body.style.gridRow = `${panel.y + 1} / span ${panel.h}`;
  const title = body.appendChild(element("h2", "", panel.title));
  if (panel.description) title.append(element("small", "", panel.description));
  document.getElementById("grid").append(body);
  if (panel.lines.length === 0) body.append(element("p", "empty", "No data"));
  else kinds[panel.type](panel, body);
}
document.body.dataset.drawn = "true";
