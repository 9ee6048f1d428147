// Light or dark, and figures repainted for the dark.

const probe = document.createElement("canvas").getContext("2d");

export function isDark(element) {
  const colour = getComputedStyle(element).getPropertyValue("--st-background-color").trim() || getComputedStyle(document.body).backgroundColor;
  probe.fillStyle = colour;
  const hex = probe.fillStyle;
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  return 0.299 * r + 0.587 * g + 0.114 * b < 128;
}

/** A copy of the figure in which each colour of the table is exchanged for its partner. Numbers are shared, not copied. */
export function repaint(value, partners) {
  if (typeof value === "string") return partners[value] ?? value;
  if (ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map((item) => repaint(item, partners));
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, repaint(item, partners)]));
  return value;
}

export const webgl = (() => {
  let known;
  return () => {
    if (known === undefined) {
      const gl = document.createElement("canvas").getContext("webgl");
      known = Boolean(gl);
      gl?.getExtension("WEBGL_lose_context")?.loseContext();
    }
    return known;
  };
})();

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
