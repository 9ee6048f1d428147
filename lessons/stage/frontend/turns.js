// First drawings take long, so stages take turns: one at a time, those in sight first, and between two of them the page may be
// painted, scrolled and pressed.

const PATIENCE_MS = 200;
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
    await idle();
    const seen = waiting.findIndex(({ stage }) => stage.visible);
    const [{ begin }] = waiting.splice(Math.max(0, seen), 1);
    await new Promise(begin);
  }
  busy = false;
}

const idle = () => new Promise((done) => (window.requestIdleCallback ? requestIdleCallback(done, { timeout: PATIENCE_MS }) : setTimeout(done)));
