// The picture as PNG and its numbers as CSV.
import { csv, download, tableLines } from "./panel.js";
import { middle } from "./delta.js";

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
  const { latest, rank } = stage;
  const lines = [[`# ${latest.title}; ${latest.label}`], ...tableLines(latest.tables)];
  if (rank) {
    const k = Number(stage.slider.value);
    const what = stage.memory.left ? `ΔW without its top ${k}` : `ΔW from its top ${k}`;
    lines.push([`# ${what} of ${rank.k} directions, at the rows and columns shown`], ["row \\ column", ...rank.columns]);
    middle(rank, k, stage.memory.left).forEach((row, i) => lines.push([rank.rows[i], ...Array.from(row, (v) => Number(v.toPrecision(7)))]));
  }
  const url = URL.createObjectURL(new Blob([csv(lines)], { type: "text/csv" }));
  download(`${latest.file}.csv`, url);
  URL.revokeObjectURL(url);
}
