// Browsers drop the oldest WebGL context when a page holds too many, so at most four pictures are live at a time.

const LIMIT = 4;
const live = new Set();

/** Whether this stage may draw in 3D now. One out of sight waits, since a first drawing holds up the page, and gives its place to one in
 * sight; one in sight never does. */
export function admit(stage) {
  if (live.has(stage)) return true;
  if (!stage.visible) return false;
  if (live.size >= LIMIT) {
    const away = [...live].find((other) => !other.visible);
    if (!away) return false;
    away.park();
    live.delete(away);
  }
  live.add(stage);
  return true;
}

export const holds = (stage) => live.has(stage);
export const leave = (stage) => live.delete(stage);

/** Remove the drawing and free its context at once, without waiting for the collector. */
export function release(plot) {
  const contexts = [...plot.querySelectorAll("canvas")].map((canvas) => canvas.getContext("webgl"));
  window.Plotly.purge(plot);
  for (const gl of contexts) gl?.getExtension("WEBGL_lose_context")?.loseContext();
}
