// New heights on surfaces that plotly has drawn, without plotly's full update: while a control moves, nothing else changes. What this
// writes is what plotly writes (gl-surface3d in plotly.js 4.1), and a full update follows at rest. A browser test compares the two.
import { list } from "./arrays.js";

const VERTEX = 10; // numbers a vertex: column, row, x, y, z, 0, intensity, normal (3)

/** Draw the figure's heights, lines and notes; all else stays as it is. False where plotly has not drawn the same traces. */
export function update(plot, { data, layout }) {
  const scene = plot._fullLayout?.scene?._scene;
  const full = plot._fullData ?? [];
  if (!scene?.glplot || data.length !== full.length || data.some((trace, i) => !fits(scene.traces[full[i].uid], trace))) return false;
  data.forEach((trace, i) => {
    if (!same(trace, plot.data[i])) write(scene, scene.traces[full[i].uid], full[i], trace);
    full[i]._input = trace;
  });
  plot.data = data;
  for (const notes of [scene.fullSceneLayout.annotations, plot.layout.scene.annotations]) {
    notes.forEach((note, i) => { note.text = layout.scene.annotations[i].text; });
  }
  scene.glplot.redraw();
  return true;
}

const fits = (drawn, trace) => drawn?.data.type === trace.type && (trace.type !== "surface" || Boolean(drawn.surface?._coordinateBuffer));

const same = (one, other) => ["x", "y", "z"].every((axis) => one[axis] === other[axis] || (axis === "z" && one.z.every((row, i) => row === other.z[i])));

function write(scene, drawn, full, { type, x, y, z }) {
  const before = drawn.data.z;
  Object.assign(full, { x: list(x), y: list(y), z });
  if (type === "surface" && before.length === z.length && before[0].length === z[0].length) return lift(scene, drawn, z);
  if (type === "surface") Object.assign(full, { _xlength: z[0].length, _ylength: z.length });
  drawn.update(full);
}

/** The same places and other heights: the padded field that the pointer reads, and the vertices. */
function lift(scene, drawn, z) {
  const { surface } = drawn;
  const [scale, offset] = [scene.dataScale[2], surface.objectOffset[2]];
  const [columns, rows] = [z[0].length, z.length];
  const heights = new Float32Array(columns * rows);
  for (let j = 0; j < rows; j++) for (let i = 0; i < columns; i++) heights[i * rows + j] = z[j][i] * scale - offset;
  const Field = surface._field[2].constructor;
  const field = [new Field(heights, columns, rows, rows, 1, 0)];
  if (drawn.dataScaleX !== 1 || drawn.dataScaleY !== 1) drawn.refineCoords(field); // plotly draws a coarse matrix finer than it is
  surface.padField(surface._field[2], field[0]);
  const values = vertices(surface, offset);
  surface._vertexCount = values.length / VERTEX;
  surface._coordinateBuffer.update(values);
  surface.bounds = bounds(values, surface.objectOffset);
  surface.dirty = true;
}

let room = new Float32Array(0);

/** Two triangles for each cell whose four corners are known. */
function vertices(surface, offset) {
  const [across, down] = surface.shape;
  const [x, y, z] = surface._field.map((field) => field.data);
  const wide = down + 2;
  const [least, most] = surface.intensityBounds;
  const normal = normals(x, y, z, across, down);
  if (room.length < 6 * VERTEX * across * down) room = new Float32Array(6 * VERTEX * across * down);
  let n = 0;
  const put = (i, j) => {
    const at = (i + 1) * wide + j + 1;
    room[n] = i;
    room[n + 1] = j;
    room[n + 2] = x[at];
    room[n + 3] = y[at];
    room[n + 4] = z[at];
    room[n + 5] = 0;
    room[n + 6] = (z[at] + offset - least) / (most - least);
    room[n + 7] = normal[3 * at];
    room[n + 8] = normal[3 * at + 1];
    room[n + 9] = normal[3 * at + 2];
    n += VERTEX;
  };
  for (let i = 0; i < across - 1; i++) {
    for (let j = 0; j < down - 1; j++) {
      const at = (i + 1) * wide + j + 1;
      if (!Number.isFinite(z[at] + z[at + 1] + z[at + wide] + z[at + wide + 1])) continue;
      put(i, j), put(i, j + 1), put(i + 1, j);
      put(i + 1, j + 1), put(i + 1, j), put(i, j + 1);
    }
  }
  return room.subarray(0, n);
}

/** Lowest and highest x, y and z of all vertices. */
function bounds(values, offset) {
  const [low, high] = [[Infinity, Infinity, Infinity], [-Infinity, -Infinity, -Infinity]];
  for (let n = 0; n < values.length; n += VERTEX) {
    for (let axis = 0; axis < 3; axis++) {
      const value = values[n + 2 + axis] + offset[axis];
      if (value < low[axis]) low[axis] = value;
      if (value > high[axis]) high[axis] = value;
    }
  }
  return [low, high];
}

/** Normals from central differences over the padded fields; as long as in gl-surface3d, whose shader makes them unit length. */
function normals(x, y, z, across, down) {
  const wide = down + 2;
  const normal = new Float32Array(3 * wide * (across + 2));
  for (let i = 1; i <= across; i++) {
    for (let j = 1; j <= down; j++) {
      const at = i * wide + j;
      const l = at - wide, r = at + wide, b = at - 1, t = at + 1;
      const xu = (x[r] - x[l]) / 2, yu = (y[r] - y[l]) / 2, zu = (z[r] - z[l]) / 2;
      const xv = (x[t] - x[b]) / 2, yv = (y[t] - y[b]) / 2, zv = (z[t] - z[b]) / 2;
      const side = yu * zv - yv * zu, along = zu * xv - zv * xu, up = xu * yv - xv * yu;
      const size = Math.sqrt(side * side + along * along + up * up);
      const flat = size < 1e-8;
      const root = Math.sqrt(size);
      normal[3 * at] = flat ? 0 : side / root;
      normal[3 * at + 1] = flat ? 0 : along / root;
      normal[3 * at + 2] = flat ? 1 : up / root;
    }
  }
  return normal;
}
