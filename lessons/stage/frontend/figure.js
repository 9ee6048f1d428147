// The figure from Python with what the browser knows better: rank, frame, chosen cell, camera, lit part, large type.
import { cell, notes, surfaces, withBeside } from "./delta.js";
import { current, withFrame } from "./player.js";
import { flat } from "./flat.js";
import { lit } from "./words.js";
import { thin } from "./arrays.js";
import { webgl } from "./theme.js";

export const isFlat = (stage) => Boolean(stage.rank) && (stage.flat || !webgl());
export const isSolid = (figure) => Boolean(figure?.layout?.scene);

export function compose(stage) {
  const figure = stage.rank ? withRank(stage) : plain(stage);
  const shown = lit(figure, stage.lit);
  const layout = { ...shown.layout, title: title(stage, shown.layout), uirevision: "kept", width: undefined, height: undefined };
  return { data: shown.data, layout: stage.root.dataset.projector ? larger(layout) : layout };
}

/** On a narrow picture a long title breaks at its dot, and is set smaller, so that its end is not cut off. */
function title(stage, layout) {
  const usual = layout.title?.font?.size ?? 15;
  const room = (lines) => (stage.part("picture").clientWidth - 36) / (0.56 * Math.max(...lines.map((line) => line.length)));
  const [words, ...rest] = layout.title?.text?.split("<br>") ?? [""];
  if (!(room([words]) > 0 && room([words]) < usual)) return layout.title;
  const lines = room([words]) < 12 ? words.split(" · ") : [words];
  return { ...layout.title, text: [...lines, ...rest].join("<br>"), font: { ...layout.title.font, size: Math.max(11, Math.min(14, room(lines))) } };
}

function plain(stage) {
  const figure = withFrame(stage.latest.figure, current(stage));
  if (!isSolid(figure)) return figure;
  const scene = { ...figure.layout.scene, camera: camera(stage, figure.layout), uirevision: "kept" };
  return { data: figure.data.map((trace) => thin(trace, stage.coarse)), layout: { ...figure.layout, scene } };
}

function withRank(stage) {
  const { rank, latest } = stage;
  const { layout } = latest.figure;
  const k = Number(stage.slider.value);
  const residual = Boolean(stage.memory.left);
  if (isFlat(stage)) return flat(rank, k, layout, latest.scales, stage.memory);
  const fresh = surfaces(rank, k, residual);
  const words = notes(rank, k, residual);
  const annotations = layout.scene.annotations.map((note, i) => ({ ...note, text: words[i] ?? note.text }));
  const scene = { ...layout.scene, annotations, camera: camera(stage, layout), uirevision: "kept" };
  const traces = latest.figure.data.map((trace) => ({ ...trace, ...(fresh[trace.meta] ?? {}) }));
  const both = rank.beside && stage.memory.beside ? withBeside(rank, traces, scene) : { traces, scene };
  const marks = stage.memory.cell ? cell(rank, k, stage.memory.cell, traces).marks : [];
  return { data: [...both.traces.map((trace) => thin(trace, stage.coarse)), ...marks], layout: { ...layout, scene: both.scene } };
}

/** The camera that the learner left, else Python's. */
export function camera(stage, layout) {
  return stage.memory.camera ?? fitted(stage, layout.scene.camera);
}

/** The camera that Python chose suits a picture a quarter wider than high; a narrower one, or a wide scene, is seen from further away. */
export function fitted(stage, given) {
  const picture = stage.part("picture");
  const long = Math.max(1, (stage.latest.figure.layout.scene.aspectratio?.x ?? 1) / 1.35);
  const narrow = (1.25 * long) / (picture.clientWidth / picture.clientHeight || 1.25);
  const far = Math.min(1.5, Math.max(1, narrow ** (stage.rank ? 0.6 : 0.95))) * (stage.rank?.beside && stage.memory.beside ? 1.25 : 1);
  const { x, y, z } = given.eye;
  return { ...given, eye: { x: far * x, y: far * y, z: far * z } };
}

/** Large type for a projector: every font of the layout half as large again. */
function larger(value, name = "") {
  if (Array.isArray(value)) return value.map((item) => larger(item));
  if (!value || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, larger(item, key)]));
  if (/font$/i.test(name) && copy.size) copy.size *= 1.5;
  return copy;
}
