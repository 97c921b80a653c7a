/**
 * JSON whose numbers come out as they went in: an id of 20 digits, which a number of ours cannot hold,
 * would reach its receiver as another one.
 */

/** Stands for a number in its own spelling; `JSON.stringify` prints it. */
export interface ExactNumber {
  readonly rawJSON: string;
}

type Reviver = (key: string, value: unknown, context: { readonly source: string }) => unknown;

/** ES2026, which TypeScript's library does not know yet. */
const json = JSON as unknown as {
  parse(text: string, reviver: Reviver): unknown;
  rawJSON(text: string): ExactNumber;
  isRawJSON(value: unknown): value is ExactNumber;
};

/** Throws a SyntaxError as JSON.parse does. */
export function parseExactly(text: string): unknown {
  return json.parse(text, (_key, value, { source }) =>
    typeof value === "number" && String(value) !== source ? json.rawJSON(source) : value,
  );
}

export function isExactNumber(value: unknown): value is ExactNumber {
  return json.isRawJSON(value);
}

/** A JSON object: neither an array nor one of the numbers above. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !isExactNumber(value)
  );
}
