// The ΔW scene: what the three matrices look like at rank k, in space or flat.
import { decode, peak, product, ribbons, ribbonsDown } from "./arrays.js";

/** Typed arrays and constants of one scene, decoded once when the data arrive. */
export function prepare(rank) {
  const trained = rank.b && rank.a ? { left: decode(rank.b), right: decode(rank.a), all: rank.r, names: ["B", "A"] } : null;
  const sorted = { left: decode(rank.left), right: decode(rank.right), all: rank.k, names: ["U√S", "√S Vᵀ"] };
  for (const pair of [trained, sorted]) if (pair) pair.peaks = [peak(pair.left), peak(pair.right)];
  const ready = { ...rank, trained, sorted, p: rank.rows.length, q: rank.columns.length };
  ready.most = peak(product(sorted.left, sorted.right, ready.p, ready.q, rank.k, rank.k).flatMap((row) => Array.from(row)));
  return ready;
}

/** At full rank the trained B and A; below it their strongest directions, since only those can be cut one by one. */
export function factors(rank, k) {
  return rank.trained && k >= rank.k ? rank.trained : rank.sorted;
}

export function deltaAt(rank, k) {
  return product(rank.sorted.left, rank.sorted.right, rank.p, rank.q, rank.k, k);
}

/** New z (and strip places) by trace role: "B", "A", "ΔW". */
export function surfaces(rank, k) {
  const pair = factors(rank, k);
  const shown = pair === rank.trained ? pair.all : k;
  return {
    B: { x: strip(pair.all, rank.strip).map((v) => rank.strip.left + v), z: ribbons(pair.left, rank.p, pair.all, shown, rank.height / pair.peaks[0]) },
    A: { y: strip(pair.all, rank.strip).map((v) => rank.strip.top - v), z: ribbonsDown(pair.right, rank.q, pair.all, shown, rank.height / pair.peaks[1]) },
    "ΔW": { z: product(rank.sorted.left, rank.sorted.right, rank.p, rank.q, rank.k, k, rank.height / rank.most) },
  };
}

/** Begin, end and gap of each direction across the width of a strip. */
function strip(count, { width, share, fine }) {
  const step = width / count;
  const part = count <= 24 ? share : fine;
  return Array.from({ length: count }, (_, i) => [i * step, (i + part) * step, (i + part) * step]).flat();
}

/** The words that stand beside B, A and ΔW. */
export function notes(rank, k, measure = "full height") {
  const pair = factors(rank, k);
  const inner = pair === rank.trained ? pair.all : k;
  const [m, n] = rank.shape;
  const whole = rank.trained ? (k >= rank.k ? "ΔW = BA" : `ΔW, top ${k}`) : `ΔW, top ${k}`;
  const text = (name, a, b, most) => `<b>${name}  ${a} × ${b}</b><br>${measure} = ${number(most)}`;
  return [text(pair.names[0], m, inner, pair.peaks[0]), text(pair.names[1], inner, n, pair.peaks[1]), text(whole, m, n, rank.most)];
}

export function number(value) {
  return Number(value).toPrecision(2).replace("e", "e").replace("-", "−");
}

/** The same three matrices as heat maps, for machines without WebGL and for those who prefer it. */
export function flat(rank, k, layout, colours) {
  const pair = factors(rank, k);
  const shown = pair === rank.trained ? pair.all : k;
  const left = Array.from({ length: rank.p }, (_, i) => pair.left.slice(i * pair.all, i * pair.all + shown));
  const right = Array.from({ length: shown }, (_, d) => pair.right.slice(d * rank.q, (d + 1) * rank.q));
  const map = (role, z, scale, most, axes, x, y) => ({
    type: "heatmap", name: role, meta: role, z, x, y, colorscale: scale, zmin: -most, zmax: most, showscale: false, ...axes,
    hoverinfo: "none", xgap: 0, ygap: 0,
  });
  const { scene: _scene, ...rest } = layout;
  const words = notes(rank, k, "full colour");
  const axis = { visible: false, fixedrange: true };
  const note = (text, x, y, xanchor) => ({ text, x, y, xref: "paper", yref: "paper", xanchor, yanchor: "bottom", align: "left", showarrow: false, font: { size: 12 } });
  return {
    data: [
      map("B", left, colours.factor, pair.peaks[0], { xaxis: "x2", yaxis: "y" }, undefined, rank.rows),
      map("A", right, colours.factor, pair.peaks[1], { xaxis: "x", yaxis: "y2" }, rank.columns, undefined),
      map("ΔW", deltaAt(rank, k), colours.delta, rank.most, {}, rank.columns, rank.rows),
    ],
    layout: {
      ...rest, margin: { l: 12, r: 12, t: 64, b: 12 }, hovermode: "closest", dragmode: false,
      xaxis: { ...axis, domain: [0.24, 1] }, yaxis: { ...axis, domain: [0, 0.68], autorange: "reversed" },
      xaxis2: { ...axis, domain: [0, 0.2] }, yaxis2: { ...axis, domain: [0.8, 0.95], autorange: "reversed" },
      annotations: [note(words[0], 0, 0.69, "left"), note(words[1], 0.24, 0.955, "left"), note(words[2], 0.24, 0.69, "left")],
    },
  };
}
