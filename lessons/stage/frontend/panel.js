// The plain HTML round the picture: spectrum bars, tables, downloads.

const SVG = "http://www.w3.org/2000/svg";

/** Bars of the singular values on a logarithmic axis; the top k are lit. Diamonds mark the run that it is compared with. */
export function drawBars(svg, rank, k) {
  const count = rank.spectrum.length;
  const other = rank.other?.spectrum.slice(0, count) ?? [];
  const known = [...rank.spectrum, ...other].filter((s) => s > 0);
  const [top, low] = [Math.log10(Math.max(...known)), Math.log10(Math.min(...known)) - 0.15];
  const height = (s) => (s > 0 ? Math.max(2, (40 * (Math.log10(s) - low)) / (top - low || 1)) : 0);
  const step = 100 / Math.max(1, count - 1);
  const wide = Math.min(2.4, 0.7 * step);
  const bar = (s, i, more) => element("rect", { x: i * step - wide / 2, y: 42 - height(s), width: wide, height: height(s), ...more });
  svg.replaceChildren(
    ...rank.spectrum.map((s, i) => bar(s, i, { class: i < k ? "dl-lit" : "dl-unlit" })),
    ...other.map((s, i) => bar(s, i, { x: i * step - wide * 0.9, width: wide * 1.8, height: 1.6, class: "dl-other" })),
  );
}

function element(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

export function drawTables(host, tables) {
  host.replaceChildren(...tables.map((table) => {
    const node = document.createElement("table");
    node.createCaption().textContent = table.caption;
    const head = node.createTHead().insertRow();
    for (const title of table.header) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = title;
      head.append(cell);
    }
    const body = node.createTBody();
    for (const row of table.rows) {
      const line = body.insertRow();
      for (const value of row) line.insertCell().textContent = show(value);
    }
    return node;
  }));
}

function show(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number" || Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(2) : String(Number(value.toPrecision(3)));
  return text.replace("-", "−");
}

const quote = (value) => {
  const text = value === null || value === undefined ? "" : String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

export function csv(lines) {
  return lines.map((line) => Array.from(line, quote).join(",")).join("\n") + "\n";
}

export function tableLines(tables) {
  return tables.flatMap((table) => [[`# ${table.caption}`], table.header, ...table.rows]);
}

export function download(name, url) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
}

/** The products of one cell as bars up and down from a middle line. */
export function drawTerms(svg, terms) {
  const most = Math.max(...terms.map(Math.abs)) || 1;
  const step = 100 / terms.length;
  const bar = (value, i) => {
    const height = Math.max(0.6, (20 * Math.abs(value)) / most);
    return element("rect", { x: (i + 0.15) * step, width: 0.7 * step, y: value < 0 ? 21 : 21 - height, height, class: value < 0 ? "dl-below" : "dl-above" });
  };
  svg.replaceChildren(element("rect", { x: 0, y: 20.8, width: 100, height: 0.4, class: "dl-unlit" }), ...terms.map(bar));
}
