// The picture as PNG and its numbers as CSV.
import { csv, download, tableLines } from "./panel.js";
import { current, withFrame } from "./player.js";
import { full, middle, sides } from "./delta.js";
import { grid, list, places } from "./arrays.js";
import { say } from "./say.js";

export async function savePng(stage) {
  const plot = stage.part("plot");
  const paper = getComputedStyle(stage.root).backgroundColor;
  if (!stage.drawn) return download(`${stage.latest.file}.png`, onPaper(stage.part("still"), paper));
  const layout = { ...plot.layout, paper_bgcolor: paper };
  const size = { width: plot.clientWidth, height: plot.clientHeight, scale: 2 };
  return download(`${stage.latest.file}.png`, await window.Plotly.toImage({ data: plot.data, layout }, { format: "png", ...size }));
}

function onPaper(still, paper) {
  const sheet = Object.assign(document.createElement("canvas"), { width: still.width, height: still.height });
  const paint = sheet.getContext("2d");
  paint.fillStyle = paper;
  paint.fillRect(0, 0, sheet.width, sheet.height);
  paint.drawImage(still, 0, 0);
  return sheet.toDataURL("image/png");
}

export function saveCsv(stage) {
  const { latest } = stage;
  const drawn = stage.rank ? matrixLines(stage) : traceLines(withFrame(latest.figure, current(stage)));
  const url = URL.createObjectURL(new Blob([csv([[`# ${latest.title}; ${latest.label}`], ...tableLines(latest.tables), ...drawn])], { type: "text/csv" }));
  download(`${latest.file}.csv`, url);
  URL.revokeObjectURL(url);
}

/** The matrices as they are shown now: values, not heights. */
function matrixLines({ rank, slider, memory }) {
  const k = Number(slider.value);
  const { left, right, names } = sides(rank, k);
  const directions = right.map((_, d) => say("direction", { number: d + 1 }));
  const section = (title, columns, rows, values) => [
    [`# ${say("csv_section", { title })}`], [say("csv_corner"), ...columns], ...values.map((row, i) => [rows[i], ...Array.from(row, short)]),
  ];
  return [
    ...section(say(memory.left ? "csv_without" : "csv_top", { k, all: rank.k }), rank.columns, rank.rows, middle(rank, k, memory.left)),
    ...section(names[0], directions, rank.rows, left),
    ...section(names[1], rank.columns, directions, right),
    ...(rank.beside && memory.beside ? section(say("csv_full"), rank.columns, rank.rows, full(rank)) : []),
  ];
}

/** Every trace at the frame shown, a point a row, with what axes and notes say of them. */
function traceLines({ data, layout }) {
  const words = (html) => html.replace(/<[^>]*>/g, " ").trim();
  const place = layout.scene ?? layout;
  const meaning = (axis) => {
    const { title, tickvals, ticktext } = place[axis];
    const ticks = ticktext ? ` (${Array.from(list(tickvals), (place, i) => `${short(place)} = ${ticktext[i]}`).join("; ")})` : "";
    return title?.text ? [[`# ${axis.replace("axis", "")}: ${words(title.text)}${ticks}`]] : [];
  };
  const notes = (place.annotations ?? []).map((note) => [`# ${words(note.text)}`]);
  const traces = data.filter((trace) => trace.name || trace.meta !== "frame").flatMap((trace) => {
    const rows = points(trace);
    return [[`# ${trace.name ?? trace.meta ?? trace.type}`], ["x", "y", "z"].slice(0, rows[0]?.length), ...rows];
  });
  return [[`# ${say("csv_drawn")}`], ...Object.keys(place).filter((key) => /^[xyz]axis/.test(key)).flatMap(meaning), ...notes, ...traces];
}

function points(trace) {
  if (/surface|heatmap/.test(trace.type)) {
    const [x, y] = [places(trace.x), places(trace.y)];
    return grid(trace.z).flatMap((row, i) => Array.from(row, (value, j) => [x(i, j, true), y(i, j, false), value].map(short)));
  }
  const columns = ["x", "y", "z"].map((axis) => list(trace[axis])).filter(Boolean);
  return Array.from(columns[0] ?? [], (_, n) => columns.map((column) => short(column[n])));
}

const short = (value) => (Number.isFinite(value) ? Number(value.toPrecision(7)) : Number.isNaN(value) ? null : value);
