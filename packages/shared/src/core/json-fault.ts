/**
 * Where a text stops being JSON, and why, for people: V8 tells the position of some faults only, in words
 * that change between versions. Never echoes more than one character: the text may hold a secret.
 */

export interface JsonFault {
  readonly line: number;
  /** In UTF-16 units, like an editor's; both count from 1. */
  readonly column: number;
  readonly message: string;
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /[A-Za-z_$][\w$]*/y;
const WORDS = new Set(["true", "false", "null"]);
const SPACE = /[ \t\n\r]*/y;
/** Up to its closing quote, or to what may not stand in a string. */
// eslint-disable-next-line no-control-regex -- these are what JSON forbids
const STRING_PART = /[^"\\\u0000-\u001f]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

type Expected = "value" | "valueOrEnd" | "key" | "keyOrEnd" | "colon" | "commaOrEnd" | "nothing";

const WANTED: Readonly<Record<Expected, string>> = {
  value: "a value",
  valueOrEnd: "a value or ]",
  key: "a key in double quotes",
  keyOrEnd: "a key in double quotes or }",
  colon: "a colon",
  commaOrEnd: "a comma or the closing bracket",
  nothing: "the end",
};

/** Undefined: the text is JSON. Needs no stack for nesting, however deep. */
export function findJsonFault(text: string): JsonFault | undefined {
  const open: ("{" | "[")[] = [];
  let expected: Expected = "value";
  let at = 0;
  const skip = (pattern: RegExp): number => {
    pattern.lastIndex = at;
    return pattern.test(text) ? pattern.lastIndex : at;
  };
  const afterValue = (): Expected => (open.length === 0 ? "nothing" : "commaOrEnd");

  for (;;) {
    at = skip(SPACE);
    const char = text[at];
    if (char === undefined) {
      return expected === "nothing" ? undefined : faultAt(text, at, "it ends too early");
    }
    const takesValue: boolean = expected === "value" || expected === "valueOrEnd";
    const takesKey: boolean = expected === "key" || expected === "keyOrEnd";
    const closes: boolean =
      expected === "commaOrEnd" || expected === "valueOrEnd" || expected === "keyOrEnd";
    if (char === '"' && (takesValue || takesKey)) {
      const end = endOfString(text, at);
      if (typeof end !== "number") return end;
      at = end;
      expected = takesKey ? "colon" : afterValue();
    } else if ((char === "{" || char === "[") && takesValue) {
      open.push(char);
      at++;
      expected = char === "{" ? "keyOrEnd" : "valueOrEnd";
    } else if (closes && char === (open.at(-1) === "{" ? "}" : "]")) {
      open.pop();
      at++;
      expected = afterValue();
    } else if (char === ":" && expected === "colon") {
      at++;
      expected = "value";
    } else if (char === "," && expected === "commaOrEnd") {
      at++;
      expected = open.at(-1) === "{" ? "key" : "value";
    } else if (takesValue && skip(NUMBER) > at) {
      at = skip(NUMBER);
      expected = afterValue();
    } else if (takesValue && WORDS.has(text.slice(at, skip(WORD)))) {
      at = skip(WORD);
      expected = afterValue();
    } else {
      return faultAt(text, at, `${shown(char)} where ${WANTED[expected]} was expected`);
    }
  }
}

/** Behind the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number | JsonFault {
  let at = start + 1;
  for (;;) {
    STRING_PART.lastIndex = at;
    if (STRING_PART.test(text)) at = STRING_PART.lastIndex;
    const char = text[at];
    if (char === '"') return at + 1;
    if (char === undefined) return faultAt(text, start, "a text in quotes that does not end");
    if (char !== "\\")
      return faultAt(text, at, `${shown(char)} inside a text; write it as an escape`);
    ESCAPE.lastIndex = at;
    if (!ESCAPE.test(text)) return faultAt(text, at, "a backslash that begins no escape of JSON");
    at = ESCAPE.lastIndex;
  }
}

function faultAt(text: string, at: number, message: string): JsonFault {
  const before = text.slice(0, at);
  const lineStart = Math.max(before.lastIndexOf("\n"), before.lastIndexOf("\r")) + 1;
  const line = before.split(/\r\n|\n|\r/).length;
  return { line, column: at - lineStart + 1, message };
}

const NAMES: Readonly<Record<string, string>> = {
  "\n": "a line break",
  "\r": "a line break",
  "\t": "a tab",
  "'": "a single quote",
  '"': "a double quote",
};

function shown(char: string): string {
  const isPlain = char >= "!" && char <= "~";
  const code = char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
  return NAMES[char] ?? (isPlain ? char : `U+${code}`);
}
