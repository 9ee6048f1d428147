// The ΔW scene: what the three matrices look like at rank k, in space or flat.
import { decode, list, peak, product, ribbons, ribbonsDown } from "./arrays.js";
import { say } from "./say.js";

/** Typed arrays and constants of one scene, decoded once when the data arrive. */
export function prepare(rank) {
  const trained = rank.b && rank.a ? { left: decode(rank.b), right: decode(rank.a), all: rank.r, names: ["B", "A"] } : null;
  const sorted = { left: decode(rank.left), right: decode(rank.right), all: rank.k, names: ["U√S", "√S Vᵀ"] };
  for (const pair of [trained, sorted]) if (pair) pair.peaks = [peak(pair.left), peak(pair.right)];
  const ready = { ...rank, trained, sorted, p: rank.rows.length, q: rank.columns.length };
  if (rank.beside) ready.beside = { ...rank.beside, left: decode(rank.beside.left), right: decode(rank.beside.right) };
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

/** The factors drawn at rank k, in rows: left is p x directions, right is directions x q. */
export function sides(rank, k) {
  const pair = factors(rank, k);
  const shown = pair === rank.trained ? pair.all : k;
  const left = Array.from({ length: rank.p }, (_, i) => pair.left.slice(i * pair.all, i * pair.all + shown));
  const right = Array.from({ length: shown }, (_, d) => pair.right.slice(d * rank.q, (d + 1) * rank.q));
  return { left, right, names: pair.names, peaks: pair.peaks };
}

/** Full fine-tuning's ΔW at the same cells. */
export function full(rank, scale = 1) {
  const { left, right, k } = rank.beside;
  return product(left, right, rank.p, rank.q, k, k, scale);
}

/** What the middle shows at rank k: ΔW from its top k directions, or what those leave out. */
export function middle(rank, k, left = false, scale = 1) {
  const { sorted, p, q } = rank;
  if (!left) return product(sorted.left, sorted.right, p, q, rank.k, k, scale);
  const kept = product(sorted.left, sorted.right, p, q, rank.k, k, scale);
  return product(sorted.left, sorted.right, p, q, rank.k, rank.k, scale).map((row, i) => row.map((value, j) => value - kept[i][j]));
}

/** New z (and strip places) by trace role: "B", "A", "ΔW". */
export function surfaces(rank, k, left = false) {
  const pair = factors(rank, k);
  const shown = pair === rank.trained ? pair.all : k;
  return {
    B: { x: strip(pair.all, rank.strip).map((v) => rank.strip.left + v), z: ribbons(pair.left, rank.p, pair.all, shown, rank.height / pair.peaks[0]) },
    A: { y: strip(pair.all, rank.strip).map((v) => rank.strip.top - v), z: ribbonsDown(pair.right, rank.q, pair.all, shown, rank.height / pair.peaks[1]) },
    "ΔW": { z: middle(rank, k, left, rank.height / rank.most) },
  };
}

/** The cell (i, j) of those shown: its products by direction, and the lines that mark its row of B, column of A and place in ΔW. */
export function cell(rank, k, [i, j], traces) {
  const pair = factors(rank, k);
  const count = pair === rank.trained ? pair.all : k;
  const terms = Array.from({ length: count }, (_, d) => pair.left[i * pair.all + d] * pair.right[d * rank.q + j]);
  const [b, a, whole] = ["B", "A", "ΔW"].map((role) => traces.find((trace) => trace.meta === role));
  const lift = 0.012;
  const line = (x, y, z) => ({
    type: "scatter3d", mode: "lines", meta: "frame", x, y, z, line: { color: rank.mark, width: 7 }, hoverinfo: "skip", connectgaps: true,
  });
  const [xs, ys] = [list(whole.x), list(whole.y)];
  const point = { ...line([xs[j]], [ys[i]], [whole.z[i][j] + lift]), mode: "markers", marker: { color: rank.mark, size: 7, symbol: "diamond" } };
  const bx = Array.from(list(b.x));
  const ay = Array.from(list(a.y));
  return {
    terms,
    marks: [
      line(bx, bx.map(() => ys[i]), Array.from(b.z[i], (v) => v + lift)),
      line(ay.map(() => xs[j]), ay, ay.map((_, d) => a.z[d][j] + lift)),
      point,
    ],
  };
}

/** Begin, end and gap of each direction across the width of a strip. */
function strip(count, { width, share, fine }) {
  const step = width / count;
  const part = count <= 24 ? share : fine;
  return Array.from({ length: count }, (_, i) => [i * step, (i + part) * step, (i + part) * step]).flat();
}

/** Full fine-tuning's ΔW to the right of this one, at this one's scale, and the scene made wide enough for both. */
export function withBeside(rank, traces, scene) {
  const { words } = rank.beside;
  const whole = traces.find((trace) => trace.meta === "ΔW");
  const xs = Array.from(list(whole.x));
  const [wide, gap] = [xs[xs.length - 1], 0.14];
  const z = full(rank, rank.height / rank.most);
  const [low, high] = scene.xaxis.range;
  const share = (high - low + wide + gap) / (high - low);
  const note = { ...scene.annotations[2], text: `<b>${words.replace("<br>", "</b><br>")}`, x: wide + gap + wide / 2 };
  return {
    traces: [...traces, { ...whole, meta: "full", name: "full", x: xs.map((x) => x + wide + gap), z }],
    scene: {
      ...scene,
      xaxis: { ...scene.xaxis, range: [low, high + wide + gap] },
      aspectratio: { ...scene.aspectratio, x: scene.aspectratio.x * share },
      annotations: [...scene.annotations, note],
    },
  };
}

/** The words that stand beside B, A and ΔW. */
export function notes(rank, k, left = false, measure = "full_height") {
  const pair = factors(rank, k);
  const inner = pair === rank.trained ? pair.all : k;
  const [m, n] = rank.shape;
  const kept = rank.trained && k >= rank.k ? "ΔW = BA" : say("top", { k });
  const whole = left ? say("without", { k }) : kept;
  const text = (name, a, b, most) => `<b>${name}  ${a} × ${b}</b><br>${say(measure, { value: number(most) })}`;
  return [text(pair.names[0], m, inner, pair.peaks[0]), text(pair.names[1], inner, n, pair.peaks[1]), text(whole, m, n, rank.most)];
}

export function number(value) {
  return Number(value).toPrecision(2).replaceAll("-", "−");
}
