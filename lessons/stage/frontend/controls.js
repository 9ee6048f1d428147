// The buttons under a picture, and the keys that turn it.
import * as player from "./player.js";
import * as rank from "./rank.js";
import { calm, webgl } from "./theme.js";
import { camera, fitted, isFlat, isSolid } from "./figure.js";
import { remember } from "./memory.js";
import { saveCsv, savePng } from "./save.js";
import { say } from "./say.js";

export function chooseCell(stage) {
  setCell(stage, ["cell-row", "cell-column"].map((name) => Number(stage.part(name).value) || 0));
}

export function setCell(stage, place) {
  rank.choose(stage, place);
  remember(stage);
  stage.redraw();
}

export const button = (stage, name) => stage.root.querySelector(`button[data-do="${name}"]`);

/** Only the buttons that do something for this scene, as it is shown, in this browser. */
export function show(stage) {
  const { rank, memory } = stage;
  const turns = isSolid(stage.latest.figure) && !isFlat(stage);
  const useful = { flat: rank && webgl(), left: rank, cell: rank, beside: rank?.beside, reset: turns, full: document.fullscreenEnabled };
  for (const [name, shown] of Object.entries(useful)) button(stage, name).hidden = !shown;
  for (const name of ["flat", "left", "beside"]) button(stage, name).setAttribute("aria-pressed", String(Boolean(memory[name])));
  stage.part("keys").hidden = !turns;
}

const ACTIONS = {
  play: player.toggle,
  back: (stage) => step(stage, -1),
  on: (stage) => step(stage, 1),
  png: savePng,
  csv: saveCsv,
  full: (stage) => fullScreen(stage),
  projector: (stage) => projector(stage, !stage.root.dataset.projector),
  cell: (stage) => setCell(stage, stage.memory.cell ? null : rank.strongest(stage)),
  left: (stage) => toggleView(stage, "left"),
  beside: (stage) => toggleView(stage, "beside"),
  flat: (stage) => toggleView(stage, "flat"),
  table: toggleTable,
  reset: resetCamera,
};

export const press = (stage, pressed) => ACTIONS[pressed?.dataset.do]?.(stage, pressed);

function step(stage, by) {
  player.pause(stage);
  player.move(stage, by);
  remember(stage);
}

function toggleView(stage, name) {
  stage.memory[name] = !stage.memory[name];
  stage.flat = stage.memory.flat ?? false;
  show(stage);
  remember(stage);
  stage.redraw();
}

function toggleTable(stage, pressed) {
  const tables = stage.part("tables");
  tables.hidden = !tables.hidden;
  pressed.setAttribute("aria-expanded", String(!tables.hidden));
  pressed.textContent = say(tables.hidden ? "show_table" : "hide_table");
  if (!tables.hidden) tables.scrollIntoView({ block: "nearest", behavior: calm() ? "auto" : "smooth" });
}

async function resetCamera(stage) {
  if (stage.drawn) await window.Plotly.relayout(stage.part("plot"), { "scene.camera": fitted(stage, stage.latest.figure.layout.scene.camera) });
  delete stage.memory.camera; // after plotly has told of it as of any other turn
  remember(stage);
  if (!stage.drawn) stage.drawStill();
}

/** A frame may forbid it, and a phone may not know it; then the picture stays where it is. */
async function fullScreen(stage) {
  await (document.fullscreenElement ? document.exitFullscreen() : stage.root.requestFullscreen?.())?.catch(() => {});
}

/** Large type and full screen, for the back row of a class. */
export async function projector(stage, on) {
  if (on === Boolean(stage.root.dataset.projector)) return;
  if (on) stage.root.dataset.projector = "on";
  else delete stage.root.dataset.projector;
  button(stage, "projector").setAttribute("aria-pressed", String(on));
  if (on !== Boolean(document.fullscreenElement)) await fullScreen(stage);
  stage.redraw();
}

/** Arrow keys turn the scene, plus and minus move nearer and away. */
export function turn(stage, event) {
  if (!isSolid(stage.latest.figure) || isFlat(stage) || event.target !== stage.part("picture")) return;
  const now = camera(stage, stage.latest.figure.layout);
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
  stage.drag();
}
