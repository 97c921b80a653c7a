/** A service that is away is told once, and once when it is back, however often it was asked. */
import { tellFailure } from "./failure.ts";
import type { Output } from "./output.ts";

export interface Setbacks {
  readonly note: (error: unknown) => void;
  readonly over: () => void;
}

export function createSetbacks(output: Pick<Output, "note">): Setbacks {
  let isAway = false;
  return {
    note(error) {
      if (!isAway) output.note(`${tellFailure(error, undefined).message} Trying again.`);
      isAway = true;
    },
    over() {
      if (isAway) output.note("The service answers again.");
      isAway = false;
    },
  };
}
