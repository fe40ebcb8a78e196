// Time on task: what passes between two signs of life counts, up to what the project calls idle.
const host = document.getElementById("task");

export const clock = {
  start() { this.active = 0; this.last = performance.now(); },
  tick() {
    const now = performance.now();
    this.active += Math.min(now - this.last, this.idleMs);
    this.last = now;
  },
  seconds() { this.tick(); return (this.active / 1000).toFixed(2); },
  idleMs: 1000 * Number(host?.dataset.idle ?? 60),
};
clock.start();
for (const event of ["pointerdown", "pointermove", "keydown", "wheel", "touchmove"]) {
  document.addEventListener(event, () => clock.tick(), { passive: true, capture: true });
}
document.addEventListener("visibilitychange", () => {
  if (document.hidden) clock.tick(); else clock.last = performance.now();
});
