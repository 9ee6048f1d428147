// The stage: shows one figure, keeps its camera, and redraws it in the browser while the learner moves a control.
// Streamlit calls `mount` on the first run and again whenever data or theme change; the DOM node stays the same.
import * as contexts from "./contexts.js";
import * as controls from "./controls.js";
import * as heights from "./heights.js";
import * as player from "./player.js";
import * as rank from "./rank.js";
import * as turns from "./turns.js";
import * as words from "./words.js";
import { camera, compose, isSolid } from "./figure.js";
import { isDark, repaint, webgl } from "./theme.js";
import { drawStill } from "./still.js";
import { drawTables } from "./panel.js";
import { learn, say } from "./say.js";
import { recall, remember } from "./memory.js";

const stages = new WeakMap();
const CONFIG = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false };
const SLOW_MS = 100;
const REST_MS = 300;
let library;

export default async function mount({ data: [data], parentElement, setStateValue }) {
  const root = parentElement.querySelector(".dl-stage");
  learn(data.words);
  let stage = stages.get(root);
  if (!stage) stages.set(root, (stage = open(root, data.key)));
  stage.report = setStateValue;
  stage.latest = data;
  show(stage, data);
  if (data.empty) empty(stage, data.empty);
  else fill(stage, data);
  return () => close(stage);
}

/** Draw what Python sent: a first time when it is this stage's turn, later at once. */
async function fill(stage, data) {
  let done = () => {};
  try {
    if (!stage.drawn) {
      still(stage);
      done = await turns.turn(stage);
      await loadPlotly(data.plotly);
    }
    stage.sliding = false;
    if (stage.latest === data) await draw(stage);
  } catch (error) {
    stage.root.dataset.state = "failed";
    stage.part("wait").textContent = say("failed");
    console.warn(error);
  } finally {
    done();
  }
}

/** Nothing to draw: say what to do, and let go of what was drawn before. */
function empty(stage, sentence) {
  letGo(stage);
  stage.root.dataset.state = "empty";
  stage.part("wait").textContent = sentence;
}

/** Once the page rests, and before any picture asks for it: the drawing library, and whether there is WebGL. */
export async function prepare(url) {
  await turns.rested();
  webgl(); // known from here on: to ask takes a context, which is slow to make without a graphics card
  await loadPlotly(url).catch(() => {}); // the stage that needs it asks again
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
  const stage = { root, key, memory: recall(key), part: (name) => root.querySelector(`.dl-${name}`), coarse: 1, usual: 1, spent: 0, visible: false };
  stage.flat = stage.memory.flat ?? false;
  stage.slider = stage.part("rank-input");
  stage.redraw = () => { stage.sliding = false; request(stage); };
  stage.rest = () => rest(stage);
  stage.drag = () => { stage.sliding = false; drag(stage); };
  stage.drawStill = () => still(stage);
  stage.park = () => { letGo(stage); still(stage); root.dataset.state = "still"; };
  for (const name of ["rank", "frame"]) {
    stage.part(`${name}-input`).id = `dl-${key}-${name}`;
    for (const part of ["label", "value"]) stage.part(`${name}-${part}`).htmlFor = `dl-${key}-${name}`;
  }
  stage.slider.addEventListener("input", () => {
    const began = performance.now();
    rank.tell(stage);
    stage.spent += performance.now() - began;
    stage.sliding = true;
    drag(stage);
  });
  stage.slider.addEventListener("change", () => { rank.release(stage); rest(stage); });
  stage.part("frame-input").addEventListener("input", () => { player.pause(stage); player.move(stage, 0); stage.drag(); });
  stage.part("frame-input").addEventListener("change", () => rest(stage));
  stage.part("speed").addEventListener("change", (event) => { stage.memory.speed = Number(event.target.value); player.pause(stage); });
  for (const name of ["cell-row", "cell-column"]) stage.part(name).addEventListener("change", () => controls.chooseCell(stage));
  root.addEventListener("click", (event) => controls.press(stage, event.target.closest("button[data-do]")));
  root.addEventListener("fullscreenchange", () => { if (!document.fullscreenElement) controls.projector(stage, false); });
  stage.part("picture").addEventListener("keydown", (event) => controls.turn(stage, event));
  stage.resize = new ResizeObserver(() => {
    if (!stage.part("picture").clientWidth) return; // its page is being left
    if (stage.drawn) window.Plotly.Plots.resize(stage.part("plot"));
    else still(stage);
  });
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
  controls.show(stage);
  words.join(stage);
}

/** One drawing per animation frame at most; while one is under way the newest value waits, and is always drawn. */
function request(stage) {
  stage.wanted = true;
  stage.frame ??= requestAnimationFrame(async () => {
    try {
      while (stage.wanted) {
        stage.wanted = false;
        await draw(stage);
      }
    } finally {
      stage.frame = undefined; // one drawing that fails does not stop the next
    }
  });
}

/** While a control moves the mesh may be coarser: as coarse as the last such drawings were slow. */
function drag(stage) {
  stage.coarse = stage.usual;
  request(stage);
  clearTimeout(stage.calmed);
  stage.calmed = setTimeout(() => rest(stage), REST_MS);
}

/** At rest the whole mesh is drawn, and what was set is kept. Plotly's own update follows when no more moves come. */
function rest(stage) {
  clearTimeout(stage.calmed);
  if (stage.coarse > 1) request(stage);
  stage.coarse = 1;
  remember(stage);
  if (stage.sliding) stage.calmed = setTimeout(() => settle(stage), REST_MS);
}

/** Plotly's own update, once the last move has been drawn. */
function settle(stage) {
  if (stage.frame === undefined) return stage.redraw();
  stage.calmed = setTimeout(() => settle(stage), REST_MS);
}

async function draw(stage) {
  const { root } = stage;
  if (!stage.latest.figure) return;
  if (player.playing(stage)) stage.coarse = stage.usual;
  // Noted now, since the controls may move on while it is drawn.
  const shown = { rank: stage.rank ? stage.slider.value : "", frame: player.current(stage) ?? "", mesh: stage.coarse > 1 ? "coarse" : "whole" };
  const began = performance.now() - stage.spent;
  stage.spent = 0;
  const figure = paint(stage);
  if (isSolid(figure) && (!webgl() || !window.Plotly || !contexts.admit(stage))) {
    still(stage, figure);
    root.dataset.state = "still";
  } else {
    if (!isSolid(figure)) contexts.leave(stage);
    await live(stage, figure, began);
  }
  Object.assign(root.dataset, shown);
  root.dataset.draws = Number(root.dataset.draws ?? 0) + 1;
}

/** `began` is when the control moved, less the wait for the animation frame: all of the script's time counts. */
async function live(stage, figure, began) {
  const lifted = stage.sliding && stage.drawn && isSolid(figure) && heights.update(stage.part("plot"), figure);
  if (!lifted) await window.Plotly.react(stage.part("plot"), figure.data, figure.layout, CONFIG);
  stage.root.dataset.update = lifted ? "heights" : "all";
  stage.root.dataset.scriptMs = (performance.now() - began).toFixed(1);
  if (isSolid(figure) && !contexts.holds(stage)) { // gave its place up while it was being drawn
    stage.drawn = true;
    return stage.park();
  }
  stage.root.dataset.state = "ready";
  if (!stage.drawn) {
    performance.mark(`dl-live ${stage.key}`);
    return listen(stage, stage.part("plot"));
  }
  await turns.painted();
  const took = performance.now() - began;
  if (took > SLOW_MS) stage.usual = Math.min(4, stage.usual + 1);
  else if (took < SLOW_MS / 3) stage.usual = Math.max(1, stage.usual - 1);
}

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
  performance.mark(`dl-still ${stage.key}`);
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
    if (found?.role === "ΔW") controls.setCell(stage, [stage.rank.rows[found.i], stage.rank.columns[found.j]]);
  });
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
  clearInterval(stage.timer); // not paused: a stage that is gone has nothing to report
  stage.timer = undefined;
  clearTimeout(stage.calmed);
  words.part(stage);
  stage.latest = {}; // a drawing that still waits finds nothing to draw, and takes no context
  letGo(stage);
  stages.delete(stage.root);
}
