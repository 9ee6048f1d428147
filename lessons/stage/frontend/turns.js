// First drawings take long and hold up the page, so they wait until its words are there, and stages take turns: one at a time,
// those in sight first, and between two of them the page may be painted, scrolled and pressed.

const QUIET_MS = 150;
const PATIENCE_MS = 3000;
const waiting = [];
let busy = false;

/** Wait for this stage's turn. Resolves to a function that gives the turn up. */
export function turn(stage) {
  return new Promise((begin) => {
    waiting.push({ stage, begin });
    if (!busy) serve();
  });
}

async function serve() {
  busy = true;
  while (waiting.length) {
    await rested();
    const seen = waiting.findIndex(({ stage }) => stage.visible);
    const [{ begin }] = waiting.splice(Math.max(0, seen), 1);
    await new Promise(begin);
  }
  busy = false;
}

/** Resolves once nothing has been added to the page for a moment; a page that never rests (a run that tells its steps) is not waited for long. */
export function rested() {
  return new Promise((done) => {
    const end = () => { watch.disconnect(); clearTimeout(quiet); clearTimeout(enough); painted().then(done); };
    const enough = setTimeout(end, PATIENCE_MS);
    let quiet = setTimeout(end, QUIET_MS);
    const watch = new MutationObserver(() => { clearTimeout(quiet); quiet = setTimeout(end, QUIET_MS); });
    watch.observe(document.body, { childList: true, subtree: true });
  });
}

/** Two animation frames on, what was drawn has reached the screen. */
export const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
