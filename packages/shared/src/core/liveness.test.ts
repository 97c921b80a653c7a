import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type LivenessRules, type Observation, observe } from "./liveness.ts";

const RULES: LivenessRules = { deadAfterMs: 6_000, longestLookGapMs: 3_000 };

interface Look {
  readonly atMs: number;
  /** Worker id to heartbeat. */
  readonly seen: Readonly<Record<string, string | null>>;
}

/** Who is called dead at each look. */
function watch(looks: readonly Look[]): (readonly string[])[] {
  let observation: Observation | undefined;
  return looks.map(({ atMs, seen }) => {
    const workers = Object.entries(seen).map(([id, heartbeat]) => ({ id, heartbeat }));
    const judged = observe(observation, workers, atMs, RULES);
    observation = judged.observation;
    return judged.dead;
  });
}

function everySecond(seconds: number, seen: (second: number) => Look["seen"], startMs = 0): Look[] {
  return Array.from({ length: seconds + 1 }, (_, second) => ({
    atMs: startMs + second * 1_000,
    seen: seen(second),
  }));
}

describe("observe", () => {
  it("calls a worker dead when its heartbeat stood still for the whole time", () => {
    const verdicts = watch(everySecond(7, () => ({ a: "t0" })));
    expect(verdicts).toEqual([[], [], [], [], [], [], ["a"], ["a"]]);
  });

  it("calls nobody dead whose heartbeat moves", () => {
    const verdicts = watch(everySecond(60, (second) => ({ a: `t${Math.floor(second / 5)}` })));
    expect(verdicts.flat()).toEqual([]);
  });

  it("counts from when the last heartbeat was first seen", () => {
    const verdicts = watch(everySecond(9, (second) => ({ a: second < 3 ? `t${second}` : "t3" })));
    expect(verdicts.map((dead) => dead.length)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
  });

  it("gives everybody the full time again after a gap in looking", () => {
    const before = everySecond(5, () => ({ a: "t0" }));
    const after = everySecond(6, () => ({ a: "t0" }), 5_000 + 3_001);
    expect(watch([...before, ...after])).toEqual([
      ...before.map(() => []),
      ...after.slice(0, 6).map(() => []),
      ["a"],
    ]);
  });

  it("takes the longest look that is no gap for no gap", () => {
    const looks = [0, 3_000, 6_000].map((atMs) => ({ atMs, seen: { a: "t0" } }));
    expect(watch(looks)).toEqual([[], [], ["a"]]);
  });

  it("starts anew when the observer starts anew", () => {
    expect(watch([{ atMs: 1_000_000, seen: { a: "t0" } }])).toEqual([[]]);
  });

  it("counts a worker that never had a heartbeat like one whose heartbeat stands still", () => {
    const verdicts = watch(everySecond(6, () => ({ ghost: null })));
    expect(verdicts.at(-2)).toEqual([]);
    expect(verdicts.at(-1)).toEqual(["ghost"]);
  });

  it("gives the full time to a worker whose first heartbeat comes late", () => {
    const verdicts = watch(everySecond(11, (second) => ({ a: second < 5 ? null : "t5" })));
    expect(verdicts.slice(0, 11).flat()).toEqual([]);
    expect(verdicts.at(-1)).toEqual(["a"]);
  });

  it("forgets a worker that is gone: one that comes back gets the full time", () => {
    const verdicts = watch(everySecond(8, (second) => (second === 4 ? {} : { a: "t0" })));
    expect(verdicts.flat()).toEqual([]);
  });

  it("judges each worker by itself", () => {
    const verdicts = watch(everySecond(6, (second) => ({ dead: "t0", alive: `t${second}` })));
    expect(verdicts.at(-1)).toEqual(["dead"]);
  });

  it("calls exactly those dead whose heartbeat it saw stand still, without a gap, for the whole time", () => {
    const anyLook = fc.record({
      stepMs: fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 1, max: 8_000 })),
      seen: fc.dictionary(
        fc.constantFrom("a", "b"),
        fc.option(fc.constantFrom("t0", "t1", "t2"), { freq: 8 }),
      ),
    });
    fc.assert(
      fc.property(fc.array(anyLook, { maxLength: 30 }), (steps) => {
        let atMs = 0;
        const looks = steps.map(({ stepMs, seen }) => ({ atMs: (atMs += stepMs), seen }));
        const expected = looks.map((look, index) =>
          Object.keys(look.seen).filter((id) => stoodStillMs(looks, index, id) >= 6_000),
        );
        expect(watch(looks)).toEqual(expected);
      }),
      { numRuns: 1_000 },
    );
  });
});

/** Looking back from one look: how long the worker was seen with this heartbeat without a gap. */
function stoodStillMs(looks: readonly Look[], index: number, id: string): number {
  const last = looks[index];
  if (last === undefined) return 0;
  let since = last;
  for (let at = index - 1; at >= 0; at--) {
    const look = looks[at];
    if (look === undefined || since.atMs - look.atMs > 3_000) break;
    if (!Object.hasOwn(look.seen, id) || look.seen[id] !== last.seen[id]) break;
    since = look;
  }
  return last.atMs - since.atMs;
}
