// The ΔW scene as heat maps, for machines without WebGL and for those who prefer it.
import { full, middle, notes, sides } from "./delta.js";

const GAP = 0.03;

/** B, A and ΔW at rank k, laid out as in space; `memory` says what the learner asked for: left, beside, cell. */
export function flat(rank, k, layout, colours, memory) {
  const { left, right, peaks } = sides(rank, k);
  const beside = memory.beside && rank.beside;
  const map = (role, z, scale, most, axes, x, y) => ({
    type: "heatmap", name: role, meta: role, z, x, y, colorscale: scale, zmin: -most, zmax: most, showscale: false, ...axes,
    hoverinfo: "none", xgap: 0, ygap: 0,
  });
  const { scene: _scene, ...rest } = layout;
  const words = notes(rank, k, memory.left, "full_colour");
  const axis = { visible: false, fixedrange: true };
  const end = beside ? 0.62 - GAP / 2 : 1;
  const note = (text, x, y) => ({ text, x, y, xref: "paper", yref: "paper", xanchor: "left", yanchor: "bottom", align: "left", showarrow: false, font: { size: 12 } });
  const figure = {
    data: [
      map("B", left, colours.factor, peaks[0], { xaxis: "x2", yaxis: "y" }, undefined, rank.rows),
      map("A", right, colours.factor, peaks[1], { xaxis: "x", yaxis: "y2" }, rank.columns, undefined),
      map("ΔW", middle(rank, k, memory.left), colours.delta, rank.most, {}, rank.columns, rank.rows),
    ],
    layout: {
      ...rest, margin: { l: 12, r: 12, t: 64, b: 12 }, hovermode: "closest", dragmode: false, showlegend: false,
      xaxis: { ...axis, domain: [0.24, end] }, yaxis: { ...axis, domain: [0, 0.68], autorange: "reversed" },
      xaxis2: { ...axis, domain: [0, 0.2] }, yaxis2: { ...axis, domain: [0.8, 0.95], autorange: "reversed" },
      annotations: [note(words[0], 0, 0.69), note(words[1], 0.24, 0.955), note(words[2], 0.24, 0.69)],
    },
  };
  if (beside) {
    figure.data.push(map("full", full(rank), colours.delta, rank.most, { xaxis: "x3", yaxis: "y" }, rank.columns, rank.rows));
    figure.layout.xaxis3 = { ...axis, domain: [end + GAP, 1] };
    figure.layout.annotations.push(note(beside.words, end + GAP, 0.69));
  }
  if (memory.cell) figure.data.push(...marks(rank, right.length, memory.cell));
  return figure;
}

/** The lines along row i of B and column j of A, and the place of their product in ΔW. */
function marks(rank, shown, [i, j]) {
  const [row, column, ends] = [rank.rows[i], rank.columns[j], [-0.5, shown - 0.5]];
  const mark = (more) => ({ type: "scatter", mode: "lines", meta: "frame", hoverinfo: "skip", line: { color: rank.mark, width: 2 }, ...more });
  return [
    mark({ x: ends, y: [row, row], xaxis: "x2", yaxis: "y" }),
    mark({ x: [column, column], y: ends, xaxis: "x", yaxis: "y2" }),
    mark({ x: [column], y: [row], mode: "markers", marker: { color: rank.mark, size: 10, symbol: "diamond" } }),
  ];
}
