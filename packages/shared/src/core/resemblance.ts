/**
 * Which known name somebody meant who wrote another one: a misspelling, another way to write capitals
 * (`webhook_url`), the beginning of a longer name, or another word for the same thing (`secret`).
 *
 * A wrong suggestion refuses a request that was right, a missing one only becomes a warning: so names of
 * up to four letters, where many real words are one letter apart (`text` and `test`), must have the same
 * letters or one more or less.
 */

/** What other services call it. An ignored one sends unsigned, or to somewhere else. */
const SAME_THING: readonly (readonly string[])[] = [
  [
    "webhooksecret",
    "secret",
    "signingsecret",
    "sharedsecret",
    "webhooksigningsecret",
    "hmacsecret",
  ],
  ["webhookurl", "url", "targeturl", "callbackurl", "endpointurl", "destinationurl"],
];
const MOST_STEPS = 2;
const SHORT_NAME = 4;
const LONG_NAME = 8;
/** A beginning says which name was meant when it is so long, and at least half of the name. */
const LONG_BEGINNING = 6;
/** Nothing longer is a misspelling; comparing costs the product of both lengths. */
const MAX_COMPARED = 64;

/** `present`: names that were given as well, which a short name hardly stands for. */
export function findMeant(
  name: string,
  known: readonly string[],
  present: ReadonlySet<string> = new Set(),
): string | undefined {
  const written = fold(name);
  if (written === "" || written.length > MAX_COMPARED) return undefined;
  const sameLetters = known.find((one) => fold(one) === written);
  if (sameLetters !== undefined) return sameLetters;
  const near = known
    .filter((one) => Math.abs(fold(one).length - written.length) <= MOST_STEPS)
    .map((one) => ({ one, steps: distance(written, fold(one)) }))
    .filter(({ one, steps }) => isNear(written, fold(one), steps))
    .filter(({ one }) => written.length > SHORT_NAME || !present.has(one))
    .toSorted((a, b) => a.steps - b.steps)[0];
  if (near !== undefined) return near.one;
  const words = SAME_THING.find((group) => group.includes(written));
  return (
    known.find((one) => words?.includes(fold(one)) === true) ??
    known.find((one) => isBeginning(written, fold(one)))
  );
}

function fold(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}

function isNear(written: string, known: string, steps: number): boolean {
  const shorter = Math.min(written.length, known.length);
  if (shorter < 2) return false;
  if (shorter <= SHORT_NAME) {
    const isSubstitution = written.length === known.length && letters(written) !== letters(known);
    return steps === 1 && !isSubstitution;
  }
  return steps <= (shorter < LONG_NAME ? 1 : MOST_STEPS);
}

function letters(text: string): string {
  return text.split("").toSorted().join("");
}

function isBeginning(written: string, known: string): boolean {
  const isLong = written.length >= LONG_BEGINNING && written.length * 2 >= known.length;
  return isLong && known.startsWith(written);
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let steps = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + Number(!same),
      );
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) steps = Math.min(steps, (before[j - 2] ?? 0) + 1);
      row.push(steps);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
