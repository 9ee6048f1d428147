// A 3D figure on a plain 2D canvas: what shows until the drawing library is there, where WebGL is missing, and on stages
// that wait for their turn. Camera and perspective are plotly's own (a field of view of 45°), drawn from far to near.
import { grid, list, places } from "./arrays.js";

const LIGHT = [-0.35, -0.5, 0.79];
const MOST = 96; // rows and columns of a lone surface; several share the same number of cells

/** Draw figure.data into the canvas; `camera` is plotly's {eye, center, up}. */
export function drawStill(canvas, figure, camera, style) {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const sharp = window.devicePixelRatio || 1;
  Object.assign(canvas, { width: width * sharp, height: height * sharp });
  const paint = canvas.getContext("2d", { willReadFrequently: true }); // in memory: thousands of small faces hold up a graphics card's queue
  paint.scale(sharp, sharp);
  const see = lens(figure, camera, plotArea(figure.layout, width, height));
  see.most = Math.floor(MOST / Math.sqrt(Math.max(1, figure.data.filter((trace) => trace.type === "surface").length)));
  const shapes = figure.data.flatMap((trace) => (KINDS[trace.type] ?? none)(trace, see));
  shapes.push(...axes(figure, see, style));
  shapes.sort((a, b) => b.depth - a.depth);
  for (const shape of shapes) DRAW[shape.kind](paint, shape);
  words(paint, figure.layout, see, style);
}

/** Where the scene lies inside the picture, after plotly's margins. */
function plotArea(layout, width, height) {
  const { l = 0, r = 0, t = 0, b = 0 } = layout.margin ?? {};
  return { x: l, y: t, width: width - l - r, height: height - t - b };
}

/** data coordinates -> {x, y, depth} on the canvas. */
export function lens(figure, camera, area) {
  const { scene } = figure.layout;
  const ends = ["x", "y", "z"].map((axis) => range(figure, axis));
  const logs = ["x", "y", "z"].map((axis) => scene[`${axis}axis`]?.type === "log");
  const aspect = ["x", "y", "z"].map((axis) => scene.aspectratio?.[axis] ?? 1);
  const { eye, center = { x: 0, y: 0, z: 0 }, up = { x: 0, y: 0, z: 1 } } = camera;
  const forward = unit(minus(at(center), at(eye)));
  const side = unit(cross(forward, at(up)));
  const top = cross(side, forward);
  const zoom = area.height / 2 / Math.tan(Math.PI / 8);
  const see = (...values) => {
    const place = values.map((value, i) => (((logs[i] ? Math.log10(value) : value) - ends[i][0]) / (ends[i][1] - ends[i][0]) - 0.5) * aspect[i]);
    const away = minus(place, at(eye));
    const depth = dot(away, forward);
    return { x: area.x + area.width / 2 + (zoom * dot(away, side)) / depth, y: area.y + area.height / 2 - (zoom * dot(away, top)) / depth, depth, place };
  };
  return Object.assign(see, { ends, logs });
}

function range(figure, axis) {
  const given = figure.layout.scene[`${axis}axis`]?.range;
  if (given) return given;
  let [low, high] = [Infinity, -Infinity];
  for (const trace of figure.data) {
    const values = trace.type === "surface" && axis === "z" ? grid(trace.z)?.flatMap?.((row) => Array.from(row)) : list(trace[axis]);
    for (const value of values ?? []) {
      if (!Number.isFinite(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  return high > low ? [low, high] : [0, 1];
}

const KINDS = {
  surface(trace, see) {
    const z = grid(trace.z);
    const colours = grid(trace.surfacecolor) ?? z;
    const [rows, columns] = [every(z.length, see.most), every(z[0].length, see.most)];
    const [xs, ys] = [places(trace.x), places(trace.y)];
    const known = rows.flatMap((i) => columns.map((j) => colours[i][j])).filter(Number.isFinite);
    const [low, high] = [trace.cmin ?? Math.min(...known), trace.cmax ?? Math.max(...known)];
    const seen = rows.map((i) => columns.map((j) => (Number.isFinite(z[i][j]) ? see(xs(i, j, 1), ys(i, j, 0), z[i][j]) : null)));
    const shapes = [];
    for (let i = 0; i + 1 < rows.length; i++) {
      for (let j = 0; j + 1 < columns.length; j++) {
        const corners = [seen[i][j], seen[i][j + 1], seen[i + 1][j + 1], seen[i + 1][j]];
        if (corners.includes(null)) continue;
        const share = (colours[rows[i]][columns[j]] - low) / (high - low || 1);
        shapes.push(face(corners, mix(trace.colorscale, share), trace.opacity));
      }
    }
    return shapes;
  },
  mesh3d(trace, see) {
    if (!trace.i) return [];
    const [x, y, z, i, j, k] = ["x", "y", "z", "i", "j", "k"].map((name) => list(trace[name]));
    const heat = list(trace.intensity);
    const seen = Array.from(x, (_, n) => see(x[n], y[n], z[n]));
    const [low, high] = [trace.cmin ?? Math.min(...(heat ?? [0])), trace.cmax ?? Math.max(...(heat ?? [1]))];
    return Array.from(i, (_, n) => {
      const colour = trace.facecolor?.[n] ?? (heat ? mix(trace.colorscale, (heat[i[n]] - low) / (high - low || 1)) : trace.color);
      return face([seen[i[n]], seen[j[n]], seen[k[n]]], colour, trace.opacity);
    });
  },
  scatter3d(trace, see) {
    const [x, y, z] = ["x", "y", "z"].map((name) => list(trace[name]));
    const seen = Array.from(x, (_, n) => (Number.isFinite(x[n]) && Number.isFinite(y[n]) && Number.isFinite(z[n]) ? see(x[n], y[n], z[n]) : null));
    const shapes = [];
    const colour = (source, n) => (typeof source === "string" ? source : Array.isArray(source) && typeof source[n] === "string" ? source[n] : "#5F6B7A");
    const alpha = trace.opacity ?? 1;
    if (/lines/.test(trace.mode)) {
      for (let n = 1; n < seen.length; n++) {
        if (!seen[n - 1] || !seen[n]) continue;
        const depth = (seen[n - 1].depth + seen[n].depth) / 2 - 0.01;
        shapes.push({ kind: "line", from: seen[n - 1], to: seen[n], depth, colour: colour(trace.line?.color, n), wide: (trace.line?.width ?? 2) * 0.6, alpha });
      }
    }
    if (!/lines|text/.test(trace.mode ?? "") || /markers/.test(trace.mode)) {
      const sizes = list(trace.marker?.size);
      seen.forEach((spot, n) => spot && shapes.push({ kind: "dot", spot, depth: spot.depth - 0.02, colour: colour(trace.marker?.color, n), size: (sizes?.[n] ?? (Number(trace.marker?.size) || 6)) / 2, alpha }));
    }
    if (/text/.test(trace.mode)) seen.forEach((spot, n) => spot && shapes.push({ kind: "text", spot, depth: -1, text: trace.text?.[n] ?? "", colour: colour(trace.textfont?.color, n), alpha }));
    return shapes;
  },
};

const none = () => [];

const DRAW = {
  face(paint, { corners, colour, alpha }) {
    paint.globalAlpha = alpha;
    paint.fillStyle = paint.strokeStyle = colour;
    paint.lineWidth = 0.5;
    paint.beginPath();
    corners.forEach(({ x, y }, n) => (n ? paint.lineTo(x, y) : paint.moveTo(x, y)));
    paint.closePath();
    paint.fill();
    if (alpha === 1) paint.stroke();
  },
  line(paint, { from, to, colour, wide, alpha }) {
    Object.assign(paint, { globalAlpha: alpha, strokeStyle: colour, lineWidth: wide });
    paint.beginPath();
    paint.moveTo(from.x, from.y);
    paint.lineTo(to.x, to.y);
    paint.stroke();
  },
  dot(paint, { spot, colour, size, alpha }) {
    Object.assign(paint, { globalAlpha: alpha, fillStyle: colour });
    paint.beginPath();
    paint.arc(spot.x, spot.y, size, 0, 7);
    paint.fill();
  },
  text(paint, { spot, text, colour, alpha }) {
    Object.assign(paint, { globalAlpha: alpha, fillStyle: colour, font: "11px system-ui, sans-serif", textAlign: "center" });
    paint.fillText(plain(text)[0], spot.x, spot.y - 6);
  },
};

/** The three edges of the box's floor and back that plotly would put ticks on, where the axis shows at all. */
function axes(figure, see, style) {
  const { scene } = figure.layout;
  const low = see.ends.map(([a], i) => (see.logs[i] ? 10 ** a : a));
  const high = see.ends.map(([, b], i) => (see.logs[i] ? 10 ** b : b));
  return ["x", "y", "z"].filter((axis) => scene[`${axis}axis`]?.showline !== false).map((axis) => {
    const i = "xyz".indexOf(axis);
    const end = low.map((value, n) => (n === i ? high[n] : value));
    return { kind: "line", from: see(...low), to: see(...end), depth: 1e3, colour: style.line, wide: 1, alpha: 1 };
  });
}

/** Title, notes in space, and the names of the axes. */
function words(paint, layout, see, style) {
  const size = style.size;
  paint.globalAlpha = 1;
  paint.fillStyle = style.text;
  const write = (lines, x, y, alignment, bold) => lines.forEach((line, n) => {
    paint.font = `${n === 0 && bold ? "600 " : ""}${n === 0 ? size : size * 0.85}px system-ui, sans-serif`;
    paint.textAlign = alignment;
    paint.fillText(line, x, y + n * size * 1.35);
  });
  write(plain(layout.title?.text ?? ""), 14, 24, "left", true);
  for (const note of layout.scene.annotations ?? []) {
    const spot = see(note.x, note.y, note.z);
    write(plain(note.text), spot.x, spot.y, note.xanchor === "left" ? "left" : "center", true);
  }
  const middle = see.ends.map(([a, b], i) => (see.logs[i] ? 10 ** ((a + b) / 2) : (a + b) / 2));
  const low = see.ends.map(([a], i) => (see.logs[i] ? 10 ** a : a));
  ["x", "y", "z"].forEach((axis, i) => {
    const told = layout.scene[`${axis}axis`];
    if (told?.visible === false || !told?.title?.text) return;
    const spot = see(...low.map((value, n) => (n === i ? middle[n] : value)));
    write(plain(told.title.text), spot.x, spot.y + size * 1.5, "center", false);
  });
}

const plain = (html) => String(html).split(/<br\s*\/?>/).map((line) => line.replace(/<[^>]*>/g, ""));

function face(corners, colour, alpha = 1) {
  const [a, b, c] = corners.map((corner) => corner.place);
  const normal = unit(cross(minus(b, a), minus(c, a)));
  const lit = 0.72 + 0.28 * Math.abs(dot(normal, LIGHT));
  const depth = corners.reduce((sum, corner) => sum + corner.depth, 0) / corners.length;
  return { kind: "face", corners, depth, colour: shade(colour, lit), alpha };
}

/** A colour of a colorscale at `share` of its way. */
function mix(scale, share) {
  const stops = Array.isArray(scale) ? scale : [[0, "#5F6B7A"], [1, "#D5DAE1"]];
  const t = Math.min(1, Math.max(0, share));
  const next = Math.max(1, stops.findIndex(([place]) => place >= t));
  const [[from, one], [to, two]] = [stops[next - 1], stops[next]];
  const part = (t - from) / (to - from || 1);
  const [a, b] = [rgb(one), rgb(two)];
  return a.map((value, i) => value + part * (b[i] - value));
}

const rgb = (hex) => [1, 3, 5].map((i) => parseInt(String(hex).slice(i, i + 2), 16) || 0);
const shade = (colour, by) => `rgb(${(Array.isArray(colour) ? colour : rgb(colour)).map((value) => Math.round(value * by)).join(",")})`;

function every(count, most) {
  const step = Math.ceil(count / most);
  return Array.from({ length: Math.ceil(count / step) }, (_, n) => n * step);
}

const at = ({ x, y, z }) => [x, y, z];
const minus = (a, b) => a.map((value, i) => value - b[i]);
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const unit = (a) => a.map((value) => value / (Math.hypot(...a) || 1));
