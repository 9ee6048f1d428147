// The stage: shows one figure, keeps its camera, and redraws it in the browser while the learner moves a control.
// Streamlit calls `mount` on the first run and again whenever data or theme change; the DOM node stays the same.
import * as contexts from "./contexts.js";
import * as player from "./player.js";
import * as rank from "./rank.js";
import * as words from "./words.js";
import { camera, compose, fitted, isFlat, isSolid } from "./figure.js";
import { calm, isDark, repaint, webgl } from "./theme.js";
import { drawStill } from "./still.js";
import { drawTables } from "./panel.js";
import { recall, remember } from "./memory.js";
import { saveCsv, savePng } from "./save.js";

const stages = new WeakMap();
const CONFIG = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false };
const SLOW_MS = 100;
const REST_MS = 300;
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
    still(stage);
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
  letGo(stage);
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
  const stage = { root, key, memory: recall(key), part: (name) => root.querySelector(`.dl-${name}`), coarse: 1, usual: 1, visible: false };
  stage.flat = stage.memory.flat ?? false;
  stage.slider = stage.part("rank-input");
  stage.redraw = () => request(stage);
  stage.rest = () => rest(stage);
  stage.park = () => { letGo(stage); still(stage); root.dataset.state = "still"; };
  for (const name of ["rank", "frame"]) {
    stage.part(`${name}-input`).id = `dl-${key}-${name}`;
    for (const part of ["label", "value"]) stage.part(`${name}-${part}`).htmlFor = `dl-${key}-${name}`;
  }
  stage.slider.addEventListener("input", () => { rank.tell(stage); drag(stage); });
  stage.slider.addEventListener("change", () => { rank.release(stage); rest(stage); });
  stage.part("frame-input").addEventListener("input", () => { player.pause(stage); player.move(stage, 0); drag(stage); });
  stage.part("frame-input").addEventListener("change", () => rest(stage));
  stage.part("speed").addEventListener("change", (event) => { stage.memory.speed = Number(event.target.value); player.pause(stage); });
  for (const name of ["cell-row", "cell-column"]) stage.part(name).addEventListener("change", () => chooseCell(stage));
  root.addEventListener("click", (event) => press(stage, event.target.closest("button[data-do]")));
  root.addEventListener("fullscreenchange", () => { if (!document.fullscreenElement) projector(stage, false); });
  stage.part("picture").addEventListener("keydown", (event) => turn(stage, event));
  stage.resize = new ResizeObserver(() => (stage.drawn ? window.Plotly.Plots.resize(stage.part("plot")) : still(stage)));
  stage.resize.observe(stage.part("picture"));
  stage.sight = new IntersectionObserver(([entry]) => {
    stage.visible = entry.isIntersecting;
    if (stage.visible && root.dataset.state === "still" && webgl()) request(stage);
  });
  stage.sight.observe(root);
  return stage;
}

/** Everything that needs no drawing library: words, table, controls. It is there at once. */
function show(stage, data) {
  const { root } = stage;
  root.style.setProperty("--dl-height", `${data.height}px`);
  stage.part("picture").setAttribute("aria-label", data.description);
  const poor = isSolid(data.figure) && !data.rank && !webgl();
  stage.part("caption").textContent = poor ? `${data.description} ${data.caption}` : data.caption;
  stage.part("caption").hidden = !stage.part("caption").textContent;
  drawTables(stage.part("tables"), data.tables);
  rank.show(stage, data);
  player.show(stage, data);
  stage.part("foot").hidden = Boolean(data.empty);
  for (const name of ["flat", "left", "cell"]) button(stage, name).hidden = !stage.rank;
  for (const name of ["flat", "left"]) button(stage, name).setAttribute("aria-pressed", String(Boolean(stage.memory[name])));
  button(stage, "flat").hidden ||= !webgl();
  button(stage, "reset").hidden = !isSolid(data.figure);
  words.join(stage);
}

/** One drawing per animation frame at most; while one is under way the newest value waits, and is always drawn. */
function request(stage) {
  stage.wanted = true;
  stage.frame ??= requestAnimationFrame(async () => {
    while (stage.wanted) {
      stage.wanted = false;
      await draw(stage);
    }
    stage.frame = undefined;
  });
}

/** While a control moves the mesh may be coarser: as coarse as the last such drawings were slow. */
function drag(stage) {
  stage.coarse = stage.usual;
  request(stage);
  clearTimeout(stage.calmed);
  stage.calmed = setTimeout(() => rest(stage), REST_MS);
}

/** At rest the whole mesh is drawn, and what was set is kept. */
function rest(stage) {
  clearTimeout(stage.calmed);
  if (stage.coarse > 1) request(stage);
  stage.coarse = 1;
  remember(stage);
}

async function draw(stage) {
  const { root } = stage;
  if (!stage.latest.figure) return;
  if (player.playing(stage)) stage.coarse = stage.usual;
  const figure = paint(stage);
  if (isSolid(figure) && (!webgl() || !window.Plotly || !contexts.admit(stage))) {
    still(stage, figure);
    root.dataset.state = "still";
  } else {
    if (!isSolid(figure)) contexts.leave(stage);
    await live(stage, figure);
  }
  root.dataset.rank = stage.rank ? stage.slider.value : "";
  root.dataset.frame = player.current(stage) ?? "";
  root.dataset.draws = Number(root.dataset.draws ?? 0) + 1;
}

async function live(stage, figure) {
  const started = performance.now();
  await window.Plotly.react(stage.part("plot"), figure.data, figure.layout, CONFIG);
  stage.scriptMs = performance.now() - started;
  if (isSolid(figure) && !contexts.holds(stage)) { // gave its place up while it was being drawn
    stage.drawn = true;
    return stage.park();
  }
  stage.root.dataset.state = "ready";
  if (!stage.drawn) return listen(stage, stage.part("plot"));
  await painted();
  const took = performance.now() - started;
  if (took > SLOW_MS) stage.usual = Math.min(4, stage.usual + 1);
  else if (took < SLOW_MS / 3) stage.usual = Math.max(1, stage.usual - 1);
}

/** Two animation frames on, what was drawn has reached the screen. */
const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));

function paint(stage) {
  const figure = compose(stage);
  stage.dark = isDark(stage.root);
  return stage.dark ? repaint(figure, stage.latest.recolour) : figure;
}

/** The picture without WebGL: at once, before the drawing library is there, and wherever 3D must wait or cannot be. */
function still(stage, figure = stage.latest?.figure && paint(stage)) {
  if (!figure || !isSolid(figure) || stage.drawn) return;
  const { color } = getComputedStyle(stage.root);
  const size = stage.root.dataset.projector ? 18 : 12;
  drawStill(stage.part("still"), figure, camera(stage, stage.latest.figure.layout), { text: color, line: "#9AA5B1", size });
}

function listen(stage, plot) {
  stage.drawn = true;
  plot.on("plotly_relayout", (change) => {
    if (!change["scene.camera"]) return;
    stage.memory.camera = change["scene.camera"];
    remember(stage);
  });
  plot.on("plotly_hover", ({ points: [at] }) => {
    if (stage.rank) rank.point(stage, at);
    words.lightWords(at.data.meta);
  });
  plot.on("plotly_unhover", () => {
    stage.part("readout").textContent = "";
    words.lightWords(null);
  });
  plot.on("plotly_click", ({ points: [at] }) => {
    const found = stage.rank && rank.locate(stage, at);
    if (found?.role === "ΔW") setCell(stage, [stage.rank.rows[found.i], stage.rank.columns[found.j]]);
  });
}

function chooseCell(stage) {
  setCell(stage, ["cell-row", "cell-column"].map((name) => Number(stage.part(name).value) || 0));
}

function setCell(stage, place) {
  rank.choose(stage, place);
  remember(stage);
  request(stage);
}

const button = (stage, name) => stage.root.querySelector(`button[data-do="${name}"]`);

const ACTIONS = {
  play: player.toggle,
  back: (stage) => step(stage, -1),
  on: (stage) => step(stage, 1),
  png: savePng,
  csv: saveCsv,
  full: (stage) => fullScreen(stage),
  projector: (stage) => projector(stage, !stage.root.dataset.projector),
  cell: (stage) => setCell(stage, stage.memory.cell ? null : rank.strongest(stage)),
  left: (stage, pressed) => toggleView(stage, pressed, "left"),
  flat: (stage, pressed) => toggleView(stage, pressed, "flat"),
  table: toggleTable,
  reset: resetCamera,
};

const press = (stage, pressed) => ACTIONS[pressed?.dataset.do]?.(stage, pressed);

function step(stage, by) {
  player.pause(stage);
  player.move(stage, by);
  remember(stage);
}

function toggleView(stage, pressed, name) {
  stage.memory[name] = !stage.memory[name];
  stage.flat = stage.memory.flat ?? false;
  pressed.setAttribute("aria-pressed", String(stage.memory[name]));
  remember(stage);
  request(stage);
}

function toggleTable(stage, pressed) {
  const tables = stage.part("tables");
  tables.hidden = !tables.hidden;
  pressed.setAttribute("aria-expanded", String(!tables.hidden));
  pressed.textContent = tables.hidden ? "Show as a table" : "Hide the table";
  if (!tables.hidden) tables.scrollIntoView({ block: "nearest", behavior: calm() ? "auto" : "smooth" });
}

async function resetCamera(stage) {
  delete stage.memory.camera;
  remember(stage);
  if (!stage.drawn) return still(stage);
  await window.Plotly.relayout(stage.part("plot"), { "scene.camera": fitted(stage, stage.latest.figure.layout.scene.camera) });
  delete stage.memory.camera;
}

/** A frame or a browser may forbid it; then the picture stays where it is. */
async function fullScreen(stage) {
  await (document.fullscreenElement ? document.exitFullscreen() : stage.root.requestFullscreen()).catch(() => {});
}

/** Large type and full screen, for the back row of a class. */
async function projector(stage, on) {
  if (on === Boolean(stage.root.dataset.projector)) return;
  if (on) stage.root.dataset.projector = "on";
  else delete stage.root.dataset.projector;
  button(stage, "projector").setAttribute("aria-pressed", String(on));
  if (on !== Boolean(document.fullscreenElement)) await fullScreen(stage);
  request(stage);
}

/** Arrow keys turn the scene, plus and minus move nearer and away. */
function turn(stage, event) {
  const now = stage.memory.camera ?? stage.latest.figure?.layout.scene?.camera;
  if (!now || isFlat(stage) || event.target !== stage.part("picture")) return;
  const { x, y, z } = now.eye;
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
  stage.memory.camera = { ...now, eye };
  drag(stage);
}

function letGo(stage) {
  contexts.leave(stage);
  const plot = stage.part("plot");
  if (stage.drawn && window.Plotly && plot) contexts.release(plot);
  stage.drawn = false;
}

function close(stage) {
  stage.resize.disconnect();
  stage.sight.disconnect();
  player.pause(stage);
  clearTimeout(stage.calmed);
  words.part(stage);
  letGo(stage);
  stages.delete(stage.root);
}
