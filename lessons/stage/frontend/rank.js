// The controls of the ΔW scene: directions kept, one cell as a sum of products, and the value under the pointer.
import { cell, factors, prepare, surfaces } from "./delta.js";
import { drawBars, drawTerms } from "./panel.js";
import { isFlat } from "./figure.js";
import { list } from "./arrays.js";
import { say } from "./say.js";

/** Set the controls for a scene; hidden where it has no rank. */
export function show(stage, data) {
  stage.rank = data.rank && prepare(data.rank);
  stage.part("rank").hidden = !stage.rank;
  stage.part("readout").hidden = !stage.rank;
  if (!stage.rank) return;
  const wanted = stage.memory.rank ?? stage.rank.k;
  stage.slider.max = stage.rank.k;
  stage.slider.value = Math.min(wanted, stage.rank.k);
  const [i, j] = stage.memory.cell ?? [0, 0];
  if (i >= stage.rank.p || j >= stage.rank.q) delete stage.memory.cell;
  tell(stage);
}

/** The words beside the slider at its present value. */
export function tell(stage) {
  const { rank } = stage;
  if (!rank) return;
  const k = Number(stage.slider.value);
  const kept = 100 * rank.energy[k - 1];
  const share = kept < 99 ? kept.toFixed(0) : Math.min(99.9, kept).toFixed(1);
  const numbers = { k, all: rank.k, energy: say(k === rank.k && rank.complete ? "energy_all" : "energy", { share }) };
  stage.part("rank-value").textContent = say("kept", numbers);
  stage.slider.setAttribute("aria-valuetext", say("kept_said", numbers));
  stage.part("rank-words").textContent = k === rank.k && rank.trained
    ? say("exact")
    : `${say(k === 1 ? "strongest_one" : "strongest", { k })} ${say(rank.trained ? "turned" : "sides")}`;
  const bars = stage.part("bars");
  drawBars(bars, rank, k);
  bars.setAttribute("aria-label", say(rank.other ? "bars_other" : "bars", { count: rank.spectrum.length, k, other: rank.other?.name }));
  tellCell(stage);
}

export function release(stage) {
  const k = Number(stage.slider.value);
  stage.memory.rank = k === stage.rank.k ? undefined : k; // "all" stays all when the next run has more directions
}

/** Choose the cell nearest to a row and column of the whole matrix; null for none. */
export function choose(stage, place) {
  const { rank } = stage;
  stage.memory.cell = place ? [near(rank.rows, place[0]), near(rank.columns, place[1])] : undefined;
  tellCell(stage);
}

/** The largest change shown: a first cell that is worth looking at. */
export function strongest(stage) {
  const z = surfaces(stage.rank, stage.rank.k)["ΔW"].z;
  let [best, place] = [-1, [0, 0]];
  z.forEach((row, i) => row.forEach((value, j) => { if (Math.abs(value) > best) [best, place] = [Math.abs(value), [i, j]]; }));
  return [stage.rank.rows[place[0]], stage.rank.columns[place[1]]];
}

function tellCell(stage) {
  const { rank, memory } = stage;
  stage.part("cell").hidden = !memory.cell;
  const button = stage.root.querySelector("button[data-do='cell']");
  button.setAttribute("aria-pressed", String(Boolean(memory.cell)));
  if (!memory.cell) return;
  const [i, j] = memory.cell;
  const k = Number(stage.slider.value);
  Object.assign(stage.part("cell-row"), { max: rank.shape[0] - 1, value: rank.rows[i], step: rank.rows[1] - rank.rows[0] || 1 });
  Object.assign(stage.part("cell-column"), { max: rank.shape[1] - 1, value: rank.columns[j], step: rank.columns[1] - rank.columns[0] || 1 });
  const drawn = stage.latest.figure.data.map((trace) => ({ ...trace, ...(surfaces(rank, k)[trace.meta] ?? {}) }));
  const { terms } = cell(rank, k, memory.cell, drawn);
  const sum = terms.reduce((total, term) => total + term, 0);
  const [left, right] = factors(rank, k).names;
  const products = terms.length <= 8 ? ` = ${terms.map(signed).join(" ")}` : "";
  const count = say(terms.length === 1 ? "product" : "products", { count: terms.length });
  stage.part("cell-words").textContent =
    say("cell_words", { row: rank.rows[i], column: rank.columns[j], left, right, products: `${count}${products} = ${signed(sum)}` });
  drawTerms(stage.part("terms"), terms);
  stage.part("terms").setAttribute("aria-label", say("terms", { count: terms.length }));
}

/** Row, column and exact value of the cell under the pointer. */
export function point(stage, at) {
  const found = locate(stage, at);
  if (!found) return;
  const { role, i, j, value } = found;
  const { rank } = stage;
  const row = role === "A" ? say("direction", { number: i + 1 }) : say("row_number", { number: rank.rows[i] });
  const column = role === "B" ? say("direction", { number: j + 1 }) : say("column_number", { number: rank.columns[j] });
  stage.part("readout").textContent = say("readout", { role, row, column, value: signed(value) });
}

/** Which cell of which matrix a point of the picture is. */
export function locate(stage, at) {
  const { rank } = stage;
  const role = at.data.meta;
  const k = Number(stage.slider.value);
  const drawn = surfaces(rank, k)[role];
  if (!drawn) return null;
  const trace = stage.latest.figure.data.find((t) => t.meta === role);
  const solid = !isFlat(stage);
  const xs = solid ? drawn.x ?? list(trace.x) : at.data.x;
  const ys = solid ? drawn.y ?? list(trace.y) : at.data.y;
  const [i, j] = [ys ? near(ys, at.y) : Number(at.y), xs ? near(xs, at.x) : Number(at.x)];
  const most = role === "ΔW" ? rank.most : factors(rank, k).peaks[role === "B" ? 0 : 1];
  const value = solid ? (at.z / rank.height) * most : at.z;
  return { role, value, i: solid && role === "A" ? Math.floor(i / 3) : i, j: solid && role === "B" ? Math.floor(j / 3) : j };
}

const near = (places, value) => places.reduce((best, place, i) => (Math.abs(place - value) < Math.abs(places[best] - value) ? i : best), 0);
const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toPrecision(3).replace("-", "−")}`;
