/** What words for people depend on besides what they are about. */
import type { Paint } from "../text/paint.ts";

export interface Shown {
  readonly now: Date;
  readonly paint: Paint;
}

export interface TableShown extends Shown {
  /** Of the terminal; undefined: as wide as it comes. */
  readonly columns: number | undefined;
  /** False: the rows go on under a heading that is there. */
  readonly hasHeading?: boolean;
}
