/** Values for a JSON schema: mostly such as fit it, now and then such as do not. */
import * as fc from "fast-check";

/** As far as the document uses it. */
export interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly examples?: readonly unknown[];
}

export const ID_KINDS = [
  "delivery",
  "endpoint",
  "client",
  "key",
  "event",
  "replay",
  "lead",
] as const;
export type IdKind = (typeof ID_KINDS)[number];

/** Stands for one of the ids that answers gave out; taken when the request is made. */
function someId(kind: IdKind): string {
  return `{some ${kind}}`;
}
/** Stands for a receiver that is there. */
export const RECEIVER = "{receiver}";

const TRICKY_TEXTS = [
  "",
  " ",
  "\u0000",
  "\ud800",
  "é🎉\u202e",
  "null",
  "__proto__",
  "constructor",
  "../../etc/passwd",
  "' or 1=1 --",
  "%00%zz",
  "${7*7}{{7*7}}",
  "a\r\nx-injected: 1",
  "-1",
  "1e309",
  "9".repeat(400),
  "x".repeat(5_000),
];
const TRICKY_URLS = [
  ...Array.from({ length: 25 }, () => RECEIVER),
  "https://10.0.0.1/",
  "http://169.254.169.254/latest/meta-data",
  "http://[::ffff:127.0.0.1]:1/",
  "http://0x7f.1/",
  "http://user:password@127.0.0.1/",
  "ftp://127.0.0.1/",
  "http://",
  "javascript:alert(1)",
];

const trickyText = fc.oneof(
  fc.constantFrom(...TRICKY_TEXTS),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ maxLength: 40 }),
);
const anything: fc.Arbitrary<unknown> = fc.oneof(
  trickyText,
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(null, -0, 1e308, -1, 0.1, 2 ** 53, true, [], {}, [[[[]]]]),
);
const MISFITS_IN = 60;

/** Of `schema`, with a misfit somewhere in it in a part of the cases. `name`: what the field is called. */
export function valueFor(schema: Schema, name = ""): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: MISFITS_IN - 1, arbitrary: fitting(schema, name) },
    { weight: 1, arbitrary: anything },
  );
}

function fitting(schema: Schema, name: string): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) {
    return fc.oneof(...schema.anyOf.map((one) => fitting(one, name)));
  }
  const made = byType(schema, name);
  const examples = schema.examples ?? [];
  return examples.length === 0 || name.toLowerCase().includes("url")
    ? made
    : fc.oneof(made, fc.constantFrom(...examples));
}

function byType(schema: Schema, name: string): fc.Arbitrary<unknown> {
  switch (schema.type) {
    case "object":
      return objectFor(schema);
    case "array":
      return fc.array(valueFor(schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 5, 5),
      });
    case "integer":
      return fc.integer({ min: schema.minimum ?? -5, max: Math.min(schema.maximum ?? 500, 500) });
    case "number":
      return fc.double({ min: schema.minimum ?? 0, max: schema.maximum ?? 1e6, noNaN: true });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "string":
      return textFor(schema, name);
    case undefined:
    default:
      return anything;
  }
}

function textFor(schema: Schema, name: string): fc.Arbitrary<string> {
  const lower = name.toLowerCase();
  if (lower.includes("url")) return fc.constantFrom(...TRICKY_URLS);
  const kind = ID_KINDS.find((one) => name === `${one}Id`);
  if (kind !== undefined) {
    return fc.oneof({ weight: 20, arbitrary: fc.constant(someId(kind)) }, fc.uuid(), trickyText);
  }
  if (schema.format === "date-time" || lower === "since" || lower === "until") {
    return fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
  }
  const { minLength = 0, maxLength = 60 } = schema;
  const plain = fc.string({ minLength, maxLength: Math.max(minLength, Math.min(maxLength, 60)) });
  return fc.oneof({ weight: 3, arbitrary: plain.map((text) => text || "x") }, trickyText);
}

function objectFor(schema: Schema): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties } = schema;
  const fields = Object.fromEntries(
    Object.entries(properties).map(([key, one]) => [key, valueFor(one, key)]),
  );
  // fast-check leaves out any of the others, and in a few cases one that is needed.
  const needed = fc.record(fields, { requiredKeys: required.filter((key) => key in fields) });
  const known = fc.oneof(
    { weight: MISFITS_IN - 1, arbitrary: needed },
    { weight: 1, arbitrary: fc.record(fields, { requiredKeys: [] }) },
  );
  const isOpen = Object.keys(fields).length === 0 && additionalProperties !== false;
  return isOpen ? fc.dictionary(trickyText, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 }) : known;
}
