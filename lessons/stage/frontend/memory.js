// What the learner set, kept for this tab: it outlives reruns, other pages and a reload.

const KEPT = ["rank", "camera", "frame", "flat", "speed", "cell", "left", "beside"];

export function recall(key) {
  try {
    return JSON.parse(sessionStorage.getItem(`deltalab.stage.${key}`)) ?? {};
  } catch {
    return {};
  }
}

/** Keep it, and tell Python where something changed. */
export function remember(stage) {
  const seen = JSON.stringify(Object.fromEntries(KEPT.map((name) => [name, stage.memory[name]])));
  if (seen === stage.told) return;
  stage.told = seen;
  try {
    sessionStorage.setItem(`deltalab.stage.${stage.key}`, seen);
  } catch {
    // A full or forbidden storage costs only the memory across reloads.
  }
  const { rank, camera, frame } = stage.memory;
  stage.report("view", { rank: rank ?? null, camera: camera ?? null, frame: frame ?? null });
}
