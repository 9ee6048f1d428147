// Scenes with frames: a slider over them, play, step and speed. A frame is plotly's own: {name, data, traces, layout}.
import { calm } from "./theme.js";
import { say } from "./say.js";

const FRAMES_A_SECOND = 4;

/** Set the controls for a scene; hidden where it has no frames. */
export function show(stage, data) {
  const frames = data.figure?.frames ?? [];
  stage.part("player").hidden = frames.length < 2;
  if (frames.length < 2) return pause(stage);
  const slider = stage.part("frame-input");
  slider.max = frames.length - 1;
  slider.value = Math.min(stage.memory.frame ?? data.frame_start, frames.length - 1);
  stage.part("frame-label").textContent = data.frame_word;
  stage.part("speed").value = String(stage.memory.speed ?? 1);
  tell(stage);
}

/** Index of the frame to draw; null for a scene without frames. */
export function current(stage) {
  return stage.part("player").hidden ? null : Number(stage.part("frame-input").value);
}

/** The figure with the frame's fields laid over its traces and layout. */
export function withFrame(figure, at) {
  const frame = figure.frames?.[at];
  if (!frame) return figure;
  const data = [...figure.data];
  frame.data.forEach((change, i) => {
    const place = frame.traces?.[i] ?? i;
    data[place] = { ...data[place], ...change, type: data[place].type };
  });
  const { scene, ...rest } = frame.layout ?? {};
  const layout = { ...figure.layout, ...rest, ...(scene ? { scene: { ...figure.layout.scene, ...scene } } : {}) };
  return { data, layout };
}

export function tell(stage) {
  const slider = stage.part("frame-input");
  const frame = stage.latest.figure.frames[slider.value];
  stage.part("frame-value").textContent = frame.name;
  slider.setAttribute("aria-valuetext", frame.name);
}

export function playing(stage) {
  return stage.timer !== undefined;
}

/** One press plays to the end and stops there; from the end it starts again. Reduced motion: one frame a second. */
export function toggle(stage) {
  if (playing(stage)) return pause(stage);
  const slider = stage.part("frame-input");
  if (slider.value === slider.max) slider.value = 0;
  button(stage, true);
  const speed = Number(stage.part("speed").value);
  stage.timer = setInterval(() => {
    move(stage, 1);
    if (slider.value === slider.max) pause(stage);
  }, 1000 / (calm() ? 1 : FRAMES_A_SECOND * speed));
  stage.redraw();
}

export function pause(stage) {
  clearInterval(stage.timer);
  if (stage.timer === undefined) return;
  stage.timer = undefined;
  button(stage, false);
  stage.rest();
}

export function move(stage, by) {
  const slider = stage.part("frame-input");
  slider.value = Number(slider.value) + by;
  stage.memory.frame = Number(slider.value);
  tell(stage);
  stage.redraw();
}

function button(stage, on) {
  const play = stage.root.querySelector("button[data-do='play']");
  play.textContent = say(on ? "pause" : "play");
}
