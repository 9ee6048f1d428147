// Linked prose: a coloured word `dl-part-X` lights the traces whose `meta` is X, and a trace under the pointer its words.
import { say } from "./say.js";

const open = new Set();
const NAME = /(?:^|\s)dl-part-(\S+)/;
let watching = false;
let held = null; // kept lit by a click, for fingers and keyboards

const partOf = (word) => word?.className.match(NAME)?.[1];
const wordOf = (target) => target?.closest?.(".dl-word[class*='dl-part-']");

/** Parts of the scene that words may light. */
export function parts(figure) {
  return new Set((figure?.data ?? []).map((trace) => trace.meta).filter((meta) => typeof meta === "string" && meta !== "frame"));
}

export function join(stage) {
  open.add(stage);
  if (!watching) watch();
  invite();
}

export function part(stage) {
  open.delete(stage);
}

/** Light the words of a part while the pointer is on it in the scene; null for none. */
export function lightWords(name) {
  for (const word of document.querySelectorAll(".dl-word[class*='dl-part-']")) word.classList.toggle("dl-word-lit", partOf(word) === name);
}

/** A copy of the figure in which all but the lit part is faint. */
export function lit(figure, name) {
  if (!name || !parts(figure).has(name)) return figure;
  const faint = (trace) => (trace.meta === name ? trace : { ...trace, opacity: 0.12 * (trace.opacity ?? 1) });
  return { ...figure, data: figure.data.map(faint) };
}

function light(name) {
  lightWords(name);
  for (const stage of open) {
    const wanted = parts(stage.latest?.figure).has(name) ? name : null;
    if ((stage.lit ?? null) === wanted) continue;
    stage.lit = wanted;
    stage.redraw();
  }
}

function hold(word) {
  const name = partOf(word);
  held = held === name ? null : name;
  light(held);
  for (const other of document.querySelectorAll(".dl-word[role='button']")) other.setAttribute("aria-pressed", String(partOf(other) === held));
}

function watch() {
  watching = true;
  const on = (kind, act) => document.addEventListener(kind, act);
  on("pointerover", (event) => { const word = wordOf(event.target); if (word) light(partOf(word)); });
  on("pointerout", (event) => { if (wordOf(event.target)) light(held); });
  on("focusin", (event) => { const word = wordOf(event.target); if (word) light(partOf(word)); });
  on("focusout", (event) => { if (wordOf(event.target)) light(held); });
  on("click", (event) => { const word = wordOf(event.target); if (word?.role === "button") hold(word); });
  on("keydown", (event) => {
    const word = wordOf(event.target);
    if (word?.role !== "button" || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    hold(word);
  });
  new MutationObserver(invite).observe(document.body, { childList: true, subtree: true });
}

let invited;
/** Words whose part is in a picture can be reached by keyboard. Once a frame at most, since pages change in many small steps. */
function invite() {
  invited ??= requestAnimationFrame(() => {
    invited = undefined;
    const known = new Set([...open].flatMap((stage) => [...parts(stage.latest?.figure)]));
    for (const word of document.querySelectorAll(".dl-word[class*='dl-part-']")) {
      const linked = known.has(partOf(word));
      if (linked === (word.getAttribute("role") === "button")) continue;
      if (!linked) for (const name of ["role", "tabindex", "aria-pressed", "title"]) word.removeAttribute(name);
      else for (const [name, value] of [["role", "button"], ["tabindex", "0"], ["aria-pressed", "false"], ["title", say("link")]]) word.setAttribute(name, value);
    }
  });
}
