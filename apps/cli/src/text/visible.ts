/**
 * Text from elsewhere, made safe for a terminal. Receivers and callers write what they like into bodies,
 * error texts and names; written raw, an escape sequence in there could move the cursor, rewrite what
 * stands above or talk to the terminal itself. Nothing is dropped: what would act becomes readable.
 */

// Control characters (C0, DEL, C1), what formats without being seen (directions, zero width), and the
// two separators that some programs take for a line's end. The joiners that hold emoji together stay.
const ACTING = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** For one line: a line's end becomes `\n`, an escape `\x1b`. */
export function visible(text: string): string {
  return text.replace(ACTING, (character) => SHORT[character] ?? escaped(character));
}

/** The same for text of several lines; tabs become spaces. */
export function visibleLines(text: string): string[] {
  return text.replaceAll("\t", "  ").split(/\r?\n/).map(visible);
}

/** JSON that no terminal acts on, with the same value: inside strings only, where `\u` may stand. */
export function visibleJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent);
  return text.replace(ACTING, (character) => (character === "\n" ? character : utf16(character)));
}

/** Our own colours. */
const ESCAPE = "\u001b";
const COLOUR = new RegExp(`(${ESCAPE}\\[\\d{1,2}m)`);

/** The last gate before a terminal: of everything that acts, only colours pass. */
export function onlyColours(line: string): string {
  return line
    .split(COLOUR)
    .map((part, index) => (index % 2 === 1 ? part : visible(part)))
    .join("");
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
}

function utf16(character: string): string {
  return Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`,
  ).join("");
}
