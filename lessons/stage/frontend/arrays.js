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
