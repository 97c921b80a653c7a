/** `--limit` and `--all`, as every list has them. */
import { Option } from "@commander-js/extra-typings";
import { integer } from "./option-values.ts";

/** As many as the service gives at once. */
export const MOST_ON_A_PAGE = 200;

export function limitOption(otherwise: number) {
  return new Option(
    "--limit <n>",
    `at most so many, up to ${MOST_ON_A_PAGE} (default ${otherwise})`,
  ).argParser(integer(1, MOST_ON_A_PAGE));
}

export const ALL_OPTION = new Option(
  "--all",
  "all of them, page by page; with --json one a line",
).conflicts("limit");
