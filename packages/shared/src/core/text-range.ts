/**
 * The texts that begin with a prefix, as a range in the order of their code points, which in UTF-8 is
 * the order of their bytes: it can be asked of an index with parameters, which LIKE cannot.
 */
const LAST_CODE_POINT = 0x10_ff_ff;
const LAST_BEFORE_SURROGATES = 0xd7_ff;
const FIRST_AFTER_SURROGATES = 0xe0_00;

/** The first text after all that begin with it; null: there is none. */
export function afterPrefix(prefix: string): string | null {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  while (points.at(-1) === LAST_CODE_POINT) points.pop();
  const last = points.pop();
  if (last === undefined) return null;
  const next = last === LAST_BEFORE_SURROGATES ? FIRST_AFTER_SURROGATES : last + 1;
  return String.fromCodePoint(...points, next);
}
