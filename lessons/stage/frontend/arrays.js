// Numbers in and out of the scene: base64 to typed arrays, and ΔW rebuilt from its strongest directions.

/** base64 of little-endian float32 -> Float32Array. */
export function decode(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

/** left (p x k_all) times right (k_all x q), the first k directions only. Returns p rows of Float32Array(q), times scale. */
export function product(left, right, p, q, all, k, scale = 1) {
  const rows = [];
  for (let i = 0; i < p; i++) {
    const row = new Float32Array(q);
    for (let d = 0; d < k; d++) {
      const weight = left[i * all + d] * scale;
      const base = d * q;
      for (let j = 0; j < q; j++) row[j] += weight * right[base + j];
    }
    rows.push(row);
  }
  return rows;
}

/** Columns of a (p x all) factor as ribbons: each value twice, then a gap. Directions from k on are not drawn. */
export function ribbons(factor, p, all, k, scale) {
  const rows = [];
  for (let i = 0; i < p; i++) {
    const row = new Float32Array(3 * all).fill(NaN);
    for (let d = 0; d < k; d++) row[3 * d] = row[3 * d + 1] = factor[i * all + d] * scale;
    rows.push(row);
  }
  return rows;
}

/** Rows of a (all x q) factor as ribbons, the other way round. */
export function ribbonsDown(factor, q, all, k, scale) {
  const rows = [];
  for (let d = 0; d < all; d++) {
    const row = new Float32Array(q).fill(NaN);
    if (d < k) for (let j = 0; j < q; j++) row[j] = factor[d * q + j] * scale;
    rows.push(row, row.slice(), new Float32Array(q).fill(NaN));
  }
  return rows;
}

export function peak(values) {
  let most = 0;
  for (const value of values) if (Math.abs(value) > most) most = Math.abs(value);
  return most || 1;
}

const TYPES = {
  f4: Float32Array, f8: Float64Array, i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array, u4: Uint32Array,
};

/** What Python sends as numbers, in one row: a plain list, a typed array, or plotly's {dtype, bdata}. */
export function list(values) {
  if (!values?.bdata) return values;
  const bytes = Uint8Array.from(atob(values.bdata), (c) => c.charCodeAt(0));
  return new TYPES[values.dtype](bytes.buffer);
}

/** The same in rows. */
export function grid(values) {
  if (!values?.bdata) return values;
  const flat = list(values);
  const [p, q] = values.shape.split(",").map(Number);
  return Array.from({ length: p }, (_, i) => flat.subarray(i * q, (i + 1) * q));
}

/** x or y of a surface: a place for each column or row, a whole grid, or plain counting. */
export function places(values) {
  if (!values) return (i, j, across) => (across ? j : i);
  if (isGrid(values)) {
    const rows = grid(values);
    return (i, j) => rows[i][j];
  }
  const row = list(values);
  return (i, j, across) => row[across ? j : i];
}

const isGrid = (values) => (Array.isArray(values) && typeof values[0] === "object") || /,/.test(values.shape ?? "");

const SHORT = 48; // a side of so few cells is drawn fast as it is

/** Every step-th row and column of a surface, and the last ones, for drawing fast while a control moves. A side along which gaps come and go stays whole. */
export function thin(trace, step) {
  if (trace.type !== "surface" || step < 2) return trace;
  const z = grid(trace.z);
  const known = z.map((row) => Array.from(row, Number.isFinite));
  const some = (count, whole) => Array.from({ length: count }, (_, i) => i).filter((i) => whole || i % step === 0 || i === count - 1);
  const down = some(z.length, z.length <= SHORT || known.some((row) => row.some((is, j) => is !== known[0][j])));
  const across = some(z[0].length, z[0].length <= SHORT || known.some((row) => row.some((is) => is !== row[0])));
  if (down.length === z.length && across.length === z[0].length) return trace;
  const cells = (values) => {
    const rows = grid(values);
    return rows && down.map((i) => across.map((j) => rows[i][j]));
  };
  const side = (values, kept) => {
    if (values && isGrid(values)) return cells(values);
    const row = list(values);
    return row ? kept.map((i) => row[i]) : kept;
  };
  return { ...trace, z: cells(z), surfacecolor: cells(trace.surfacecolor), customdata: cells(trace.customdata), x: side(trace.x, across), y: side(trace.y, down) };
}
