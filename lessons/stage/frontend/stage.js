// The stage: shows one figure, keeps its camera, and rebuilds ΔW while the learner moves the rank.
// Streamlit calls `mount` on the first run and again whenever data or theme change; the DOM node stays the same.
import { decode } from "./arrays.js";
import { deltaAt, flat, notes, number, prepare, surfaces } from "./delta.js";
import { csv, download, drawBars, drawTables, tableLines } from "./panel.js";
import { calm, isDark, repaint, webgl } from "./theme.js";

const stages = new WeakMap();
const CONFIG = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false };
let library;

export default async function mount({ data: [data], parentElement, setStateValue }) {
  const root = parentElement.querySelector(".dl-stage");
  let stage = stages.get(root);
  if (!stage) stages.set(root, (stage = open(root, data.key)));
  stage.report = setStateValue;
  stage.latest = data;
  show(stage, data);
  try {
    if (data.empty) return empty(stage, data.empty);
    await loadPlotly(data.plotly);
    if (stage.latest === data) await draw(stage);
  } catch (error) {
    root.dataset.state = "failed";
    stage.part("wait").textContent = "This picture could not be drawn here. Its table and its CSV hold the same numbers.";
    console.warn(error);
  }
  return () => close(stage);
}

/** Nothing to draw: say what to do, and let go of what was drawn before. */
function empty(stage, sentence) {
  if (stage.drawn) window.Plotly.purge(stage.part("plot"));
  stage.drawn = false;
  stage.root.dataset.state = "empty";
  stage.part("wait").textContent = sentence;
  return () => close(stage);
}

function loadPlotly(url) {
  if (window.Plotly) return Promise.resolve();
  return (library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = resolve;
    script.onerror = () => { library = undefined; reject(new Error(`no answer from ${url}`)); };
    document.head.append(script);
  }));
}

function open(root, key) {
  const stage = { root, key, memory: recall(key), part: (name) => root.querySelector(`.dl-${name}`) };
  stage.flat = stage.memory.flat ?? false;
  const id = `dl-${key}-rank`;
  stage.slider = stage.part("rank-input");
  stage.slider.id = id;
  stage.part("rank-label").htmlFor = id;
  stage.part("rank-value").htmlFor = id;
  stage.slider.addEventListener("input", () => request(stage));
  stage.slider.addEventListener("change", () => release(stage));
  root.addEventListener("click", (event) => press(stage, event.target.closest("button[data-do]")));
  stage.part("picture").addEventListener("keydown", (event) => turn(stage, event));
  stage.resize = new ResizeObserver(() => stage.drawn && window.Plotly.Plots.resize(stage.part("plot")));
  stage.resize.observe(stage.part("picture"));
  return stage;
}

/** Everything that needs no drawing library: words, table, slider. It is there at once. */
function show(stage, data) {
  const { root } = stage;
  root.style.setProperty("--dl-height", `${data.height}px`);
  stage.part("picture").setAttribute("aria-label", data.description);
  stage.part("caption").textContent = data.caption;
  stage.part("caption").hidden = !data.caption;
  drawTables(stage.part("tables"), data.tables);
  stage.rank = data.rank && prepare(data.rank);
  stage.part("rank").hidden = !stage.rank;
  stage.part("foot").hidden = Boolean(data.empty);
  stage.part("readout").hidden = !stage.rank;
  for (const name of ["flat", "reset"]) button(stage, name).hidden = !stage.rank;
  button(stage, "flat").hidden ||= !webgl();
  if (!stage.rank) return;
  const wanted = stage.memory.rank ?? stage.rank.k;
  stage.slider.max = stage.rank.k;
  stage.slider.value = Math.min(wanted, stage.rank.k);
  tell(stage);
}

/** The words beside the slider at its present value. */
function tell(stage) {
  const { rank } = stage;
  const k = Number(stage.slider.value);
  const kept = 100 * rank.energy[k - 1];
  const energy = k === rank.k && rank.complete ? "all of the energy" : `${kept < 99 ? kept.toFixed(0) : Math.min(99.9, kept).toFixed(1)}% of the energy`;
  stage.part("rank-value").textContent = `${k} of ${rank.k} · ${energy}`;
  stage.slider.setAttribute("aria-valuetext", `${k} of ${rank.k} directions, ${energy}`);
  stage.part("rank-words").textContent = k === rank.k && rank.trained
    ? `ΔW exactly as trained: B times A. Move the slider to keep only its strongest directions.`
    : `ΔW from its ${k === 1 ? "strongest direction" : `${k} strongest directions`}. ${rank.trained ? "B and A are turned so that each column and row is one direction, the strongest first." : "Each column and row on the sides is one direction."}`;
  const bars = stage.part("bars");
  drawBars(bars, rank, k);
  bars.setAttribute("aria-label", `Singular values, logarithmic: ${rank.spectrum.length} bars, the first ${k} kept${rank.other ? `; dashes: ${rank.other.name}` : ""}`);
}

/** One drawing per animation frame at most; while one is under way the newest value waits, and is always drawn. */
function request(stage) {
  tell(stage);
  stage.wanted = true;
  stage.frame ??= requestAnimationFrame(async () => {
    while (stage.wanted) {
      stage.wanted = false;
      await draw(stage);
    }
    stage.frame = undefined;
  });
}

function release(stage) {
  const k = Number(stage.slider.value);
  stage.memory.rank = k === stage.rank.k ? undefined : k; // "all" stays all when the next run has more directions
  remember(stage);
}

async function draw(stage) {
  const { latest: data, root } = stage;
  const plot = stage.part("plot");
  const started = performance.now();
  const figure = paint(stage, compose(stage, data));
  await window.Plotly.react(plot, figure.data, figure.layout, CONFIG);
  stage.scriptMs = performance.now() - started;
  root.dataset.state = "ready";
  root.dataset.rank = stage.rank ? stage.slider.value : "";
  root.dataset.draws = Number(root.dataset.draws ?? 0) + 1;
  if (!stage.drawn) listen(stage, plot);
}

/** The figure from Python with what the browser knows better: rank, camera, flat or not. */
function compose(stage, data) {
  const { layout } = data.figure;
  if (!stage.rank) return { data: data.figure.data, layout: { ...layout, uirevision: "kept" } };
  const k = Number(stage.slider.value);
  if (isFlat(stage)) return flat(stage.rank, k, layout, data.scales);
  const fresh = surfaces(stage.rank, k);
  const words = notes(stage.rank, k);
  const annotations = layout.scene.annotations.map((note, i) => ({ ...note, text: words[i] }));
  const scene = { ...layout.scene, annotations, camera: stage.memory.camera ?? fitted(stage, layout.scene.camera), uirevision: "kept" };
  return {
    data: data.figure.data.map((trace) => ({ ...trace, ...(fresh[trace.meta] ?? {}) })),
    layout: { ...layout, scene, uirevision: "kept", width: undefined, height: undefined },
  };
}

/** The camera that Python chose suits a picture a quarter wider than high; a narrower one is seen from further away. */
function fitted(stage, camera) {
  const picture = stage.part("picture");
  const narrow = 1.25 / (picture.clientWidth / picture.clientHeight || 1.25);
  const far = Math.min(1.5, Math.max(1, narrow ** 0.6));
  const { x, y, z } = camera.eye;
  return { ...camera, eye: { x: far * x, y: far * y, z: far * z } };
}

const isFlat = (stage) => stage.flat || !webgl();

function paint(stage, figure) {
  stage.dark = isDark(stage.root);
  return stage.dark ? repaint(figure, stage.latest.recolour) : figure;
}

function listen(stage, plot) {
  stage.drawn = true;
  plot.on("plotly_relayout", (change) => {
    const camera = change["scene.camera"];
    if (!camera) return;
    stage.memory.camera = camera;
    remember(stage);
  });
  plot.on("plotly_hover", (event) => stage.rank && point(stage, event.points[0]));
  plot.on("plotly_unhover", () => { stage.part("readout").textContent = ""; });
}

/** Row, column and exact value of the cell under the pointer. */
function point(stage, at) {
  const { rank } = stage;
  const role = at.data.meta;
  const k = Number(stage.slider.value);
  const drawn = surfaces(rank, k);
  const trace = stage.latest.figure.data.find((t) => t.meta === role);
  const near = (places, value) => places.reduce((best, place, i) => (Math.abs(place - value) < Math.abs(places[best] - value) ? i : best), 0);
  const xs = isFlat(stage) ? at.data.x : drawn[role].x ?? numbers(trace.x);
  const ys = isFlat(stage) ? at.data.y : drawn[role].y ?? numbers(trace.y);
  const i = ys ? near(ys, at.y) : Number(at.y);
  const j = xs ? near(xs, at.x) : Number(at.x);
  const scale = { B: (rank.height), A: rank.height, "ΔW": rank.height / rank.most };
  const value = isFlat(stage) ? at.z : role === "ΔW" ? at.z / scale[role] : (at.z / rank.height) * peakOf(stage, role, k);
  const row = role === "A" ? `direction ${(isFlat(stage) ? i : Math.floor(i / 3)) + 1}` : `row ${rank.rows[i]}`;
  const column = role === "B" ? `direction ${(isFlat(stage) ? j : Math.floor(j / 3)) + 1}` : `column ${rank.columns[j]}`;
  stage.part("readout").textContent = `${role}: ${row}, ${column}, value ${value > 0 ? "+" : ""}${value.toPrecision(3).replace("-", "−")}`;
}

function peakOf(stage, role, k) {
  const pair = stage.rank.trained && k >= stage.rank.k ? stage.rank.trained : stage.rank.sorted;
  return pair.peaks[role === "B" ? 0 : 1];
}

function numbers(places) {
  return Array.isArray(places) || ArrayBuffer.isView(places) ? places : decode(places.bdata);
}

const button = (stage, name) => stage.root.querySelector(`button[data-do="${name}"]`);

async function press(stage, pressed) {
  const action = pressed?.dataset.do;
  if (action === "full") await (document.fullscreenElement ? document.exitFullscreen() : stage.root.requestFullscreen());
  if (action === "table") {
    const tables = stage.part("tables");
    tables.hidden = !tables.hidden;
    pressed.setAttribute("aria-expanded", String(!tables.hidden));
    pressed.textContent = tables.hidden ? "Show as a table" : "Hide the table";
    if (!tables.hidden) tables.scrollIntoView({ block: "nearest", behavior: calm() ? "auto" : "smooth" });
  }
  if (action === "flat") {
    stage.flat = stage.memory.flat = !stage.flat;
    pressed.setAttribute("aria-pressed", String(stage.flat));
    remember(stage);
    await draw(stage);
  }
  if (action === "reset") {
    delete stage.memory.camera;
    remember(stage);
    await window.Plotly.relayout(stage.part("plot"), { "scene.camera": fitted(stage, stage.latest.figure.layout.scene.camera) });
    delete stage.memory.camera;
  }
  if (action === "png") await savePng(stage);
  if (action === "csv") saveCsv(stage);
}

async function savePng(stage) {
  const plot = stage.part("plot");
  const layout = { ...plot.layout, paper_bgcolor: getComputedStyle(stage.root).backgroundColor };
  const size = { width: plot.clientWidth, height: plot.clientHeight, scale: 2 };
  download(`${stage.latest.file}.png`, await window.Plotly.toImage({ data: plot.data, layout }, { format: "png", ...size }));
}

function saveCsv(stage) {
  const { latest, rank } = stage;
  const lines = [[`# ${latest.title}; ${latest.label}`], ...tableLines(latest.tables)];
  if (rank) {
    const k = Number(stage.slider.value);
    lines.push([`# ΔW from its top ${k} of ${rank.k} directions, at the rows and columns shown`], ["row \\ column", ...rank.columns]);
    deltaAt(rank, k).forEach((row, i) => lines.push([rank.rows[i], ...Array.from(row, (v) => Number(v.toPrecision(7)))]));
  }
  const url = URL.createObjectURL(new Blob([csv(lines)], { type: "text/csv" }));
  download(`${latest.file}.csv`, url);
  URL.revokeObjectURL(url);
}

/** Arrow keys turn the scene, plus and minus move nearer and away. */
function turn(stage, event) {
  const camera = stage.memory.camera ?? stage.latest.figure?.layout.scene?.camera;
  if (!camera || isFlat(stage) || event.target !== stage.part("picture")) return;
  const { x, y, z } = camera.eye;
  let [angle, tilt, far] = [Math.atan2(y, x), Math.atan2(z, Math.hypot(x, y)), Math.hypot(x, y, z)];
  if (event.key === "ArrowLeft") angle -= 0.12;
  else if (event.key === "ArrowRight") angle += 0.12;
  else if (event.key === "ArrowUp") tilt = Math.min(1.5, tilt + 0.1);
  else if (event.key === "ArrowDown") tilt = Math.max(-1.5, tilt - 0.1);
  else if (event.key === "+" || event.key === "=") far *= 0.92;
  else if (event.key === "-") far /= 0.92;
  else return;
  event.preventDefault();
  const eye = { x: far * Math.cos(tilt) * Math.cos(angle), y: far * Math.cos(tilt) * Math.sin(angle), z: far * Math.sin(tilt) };
  stage.memory.camera = { ...camera, eye };
  request(stage);
  clearTimeout(stage.later);
  stage.later = setTimeout(() => remember(stage), 400);
}

/** What the learner set, kept for this tab: it outlives reruns, other pages and a reload. */
function recall(key) {
  try {
    return JSON.parse(sessionStorage.getItem(`deltalab.stage.${key}`)) ?? {};
  } catch {
    return {};
  }
}

function remember(stage) {
  const { rank, camera, flat: wantsFlat } = stage.memory;
  const seen = JSON.stringify({ rank, camera, flat: wantsFlat });
  if (seen === stage.told) return;
  stage.told = seen;
  try {
    sessionStorage.setItem(`deltalab.stage.${stage.key}`, seen);
  } catch {
    // A full or forbidden storage costs only the memory across reloads.
  }
  stage.report("view", { rank: rank ?? null, camera: camera ?? null });
}

function close(stage) {
  stage.resize.disconnect();
  clearTimeout(stage.later);
  const plot = stage.part("plot");
  if (!window.Plotly || !plot) return;
  const contexts = [...plot.querySelectorAll("canvas")].map((canvas) => canvas.getContext("webgl"));
  window.Plotly.purge(plot);
  for (const gl of contexts) gl?.getExtension("WEBGL_lose_context")?.loseContext();
  stages.delete(stage.root);
}
