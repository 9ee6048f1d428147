// Notices which parts of a lesson stand in view and how long the page is in use. Nothing is shown, nothing leaves the app.
const SEEN_SECONDS = 4;
const REPORT_SECONDS = 30;
const IDLE_SECONDS = 90;
const watches = new Map();

export default function ({ data, setStateValue }) {
  let watch = watches.get(data.lesson);
  if (!watch) watches.set(data.lesson, (watch = begin()));
  watch.report = setStateValue;
  return () => {
    end(watch);
    watches.delete(data.lesson);
  };
}

function begin() {
  const watch = { id: crypto.randomUUID(), number: 0, seconds: 0, inView: {}, fresh: [], place: null, used: Date.now() };
  watch.touch = () => { watch.used = Date.now(); };
  for (const kind of ["pointermove", "keydown", "scroll", "touchstart"]) document.addEventListener(kind, watch.touch, { capture: true, passive: true });
  watch.timer = setInterval(() => tick(watch), 1000);
  return watch;
}

function end(watch) {
  clearInterval(watch.timer);
  for (const kind of ["pointermove", "keydown", "scroll", "touchstart"]) document.removeEventListener(kind, watch.touch, { capture: true });
}

function tick(watch) {
  if (document.visibilityState !== "visible" || Date.now() - watch.used > 1000 * IDLE_SECONDS) return;
  watch.seconds += 1;
  for (const part of document.querySelectorAll("[class*='st-key-part-']")) {
    const name = part.className.match(/st-key-part-(\w+)/)[1];
    const { top, bottom } = part.getBoundingClientRect();
    if (top > 0.6 * innerHeight || bottom < 0.3 * innerHeight) continue;
    watch.place = name;
    watch.inView[name] = (watch.inView[name] ?? 0) + 1;
    if (watch.inView[name] === SEEN_SECONDS) watch.fresh.push(name);
  }
  if (watch.seconds >= REPORT_SECONDS || watch.fresh.length) send(watch);
}

function send(watch) {
  watch.number += 1;
  watch.report("reading", { watch: watch.id, number: watch.number, seconds: watch.seconds, seen: watch.fresh, place: watch.place });
  watch.seconds = 0;
  watch.fresh = [];
}
