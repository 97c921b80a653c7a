import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { elementTexts, memberText, nestingDepth, parseToShow } from "./json-text.ts";

const SPACES = ["", " ", "\n", "\t", "\r\n", "  \t "];
/** What decides spacing and spelling as a document is written; consumed in turn. */
type Choices = () => number;

const choices = fc
  .array(fc.nat({ max: 1000 }), { minLength: 1, maxLength: 50 })
  .map((numbers): Choices => {
    let at = 0;
    return () => numbers[at++ % numbers.length] ?? 0;
  });

/** `value` as one of the many JSON texts that mean it. */
function spell(value: unknown, choose: Choices): string {
  const space = () => SPACES[choose() % SPACES.length] ?? "";
  if (typeof value === "string") return spellString(value, choose);
  if (Array.isArray(value)) {
    const items = value.map((item) => space() + spell(item, choose) + space());
    return `[${items.join(",") || space()}]`;
  }
  if (typeof value === "object" && value !== null) {
    return spellObject(Object.entries(value), choose);
  }
  return JSON.stringify(value);
}

function spellObject(entries: readonly (readonly [string, unknown])[], choose: Choices): string {
  const space = () => SPACES[choose() % SPACES.length] ?? "";
  const members = entries.map(
    ([key, item]) =>
      `${space()}${spellString(key, choose)}${space()}:${space()}${spell(item, choose)}${space()}`,
  );
  return `{${members.join(",") || space()}}`;
}

function spellString(text: string, choose: Choices): string {
  const chars = Array.from(text, (char) =>
    choose() % 3 === 0 ? unicodeEscape(char) : JSON.stringify(char).slice(1, -1),
  );
  return `"${chars.join("")}"`;
}

function unicodeEscape(char: string): string {
  return Array.from(
    { length: char.length },
    (_, at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, "0")}`,
  ).join("");
}

/** The plain way: recursion over the parsed value. */
function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

const trickyText = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: fc.constantFrom('"', "\\", "{", "}", "[", "]", ",", ":", " ", "u0022") }),
);
const name = fc.oneof(fc.constantFrom("payload", "metadata", ""), trickyText);
const json = fc.jsonValue({ maxDepth: 4 });
const anyValue = fc.oneof(json, trickyText, fc.array(trickyText), fc.dictionary(trickyText, json));
const members = fc.array(fc.tuple(name, anyValue), { maxLength: 8 });

describe("memberText", () => {
  it("is the text that JSON.parse gives the member's value for, however the document is spelled", () => {
    fc.assert(
      fc.property(members, name, choices, (entries, wanted, choose) => {
        const text = `${SPACES[choose() % SPACES.length]}${spellObject(entries, choose)}`;
        // As a Map: in Node 24.21 Object.hasOwn of a key that is there is false, once in 100,000 times.
        const parsed = new Map(Object.entries(JSON.parse(text) as Record<string, unknown>));
        for (const key of [wanted, ...entries.map(([entryKey]) => entryKey)]) {
          const found = memberText(text, key);
          const value: unknown = found === undefined ? undefined : JSON.parse(found);
          expect(found !== undefined).toBe(parsed.has(key));
          expect(value).toEqual(parsed.get(key));
        }
      }),
      { numRuns: 500 },
    );
  });

  it("is a part of the document as it stands, without surrounding white space", () => {
    fc.assert(
      fc.property(members, choices, (entries, choose) => {
        const text = spellObject(entries, choose);
        for (const [key] of entries) {
          const found = memberText(text, key) ?? "missing";
          expect(text).toContain(found);
          expect(found.trim()).toBe(found);
        }
      }),
    );
  });

  it.each([
    ['{"payload":1.0}', "1.0"],
    ['{"payload":12345678901234567890}', "12345678901234567890"],
    ['{"payload":-1.50E+2 }', "-1.50E+2"],
    ['{"payload" : {"b":1, "a":2}, "x":3}', '{"b":1, "a":2}'],
    [' {"a":[1,{"payload":2}],"payload":\n"\\u0041\\/"}', '"\\u0041\\/"'],
    ['{"payload":null}', "null"],
    ['{"payload":""}', '""'],
    ['{"payload":[ ]}', "[ ]"],
    [String.raw`{"payload":"\\"}`, String.raw`"\\"`],
    [String.raw`{"payload":"\"}"}`, String.raw`"\"}"`],
  ])("keeps the caller's spelling in %s", (text, member) => {
    expect(memberText(text, "payload")).toBe(member);
  });

  it("takes the last of several members with one name, as JSON.parse does", () => {
    const text = '{"payload":1,"payload":{"x":[2]},"other":0,"payload" :3 }';
    expect(memberText(text, "payload")).toBe("3");
    expect(JSON.parse(text)).toMatchObject({ payload: 3 });
  });

  it.each([String.raw`{"p\u0061yload":1}`, String.raw`{"\u0070\u0061\u0079\u006coad" : 1}`])(
    "knows a name that is spelled with escapes: %s",
    (text) => {
      expect(memberText(text, "payload")).toBe("1");
    },
  );

  it("lets an escaped spelling of the name win when it comes last", () => {
    expect(memberText(String.raw`{"payload":1,"p\u0061yload":2}`, "payload")).toBe("2");
    expect(memberText(String.raw`{"p\u0061yload":2,"payload":1}`, "payload")).toBe("1");
  });

  it("does not take a nested member or a string's content for the member", () => {
    expect(memberText('{"a":{"payload":1},"b":"\\"payload\\":2"}', "payload")).toBeUndefined();
    expect(memberText('{"Payload":1,"payload ":2}', "payload")).toBeUndefined();
  });

  it("finds members of the prototype's names only where they stand", () => {
    expect(memberText("{}", "__proto__")).toBeUndefined();
    expect(memberText('{"__proto__":{"a":1}}', "__proto__")).toBe('{"a":1}');
    expect(memberText("{}", "constructor")).toBeUndefined();
  });

  it("looks into the object that starts at the given place", () => {
    const text = '{"payload":1,"lead":{"payload":2}}';
    expect(memberText(text, "payload", text.lastIndexOf("{"))).toBe("2");
  });

  it.each(["[1]", '"payload"', "1", "null", "{}", "  { } "])("finds none in %s", (text) => {
    expect(memberText(text, "payload")).toBeUndefined();
  });
});

describe("elementTexts", () => {
  it("are the texts that JSON.parse gives the elements for, however the array is spelled", () => {
    fc.assert(
      fc.property(fc.array(anyValue), choices, (values, choose) => {
        const text = `${SPACES[choose() % SPACES.length]}${spell(values, choose)}`;
        const found = elementTexts(text);
        expect(found.map((one) => JSON.parse(one) as unknown)).toEqual(JSON.parse(text));
        for (const one of found) {
          expect(text).toContain(one);
          expect(one.trim()).toBe(one);
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ["[1.0,12345678901234567890 , -1.50E+2]", ["1.0", "12345678901234567890", "-1.50E+2"]],
    ['[ {"b":1, "a":[2]} ,\n[ ],"],[",null ]', ['{"b":1, "a":[2]}', "[ ]", '"],["', "null"]],
    [String.raw`["\\","\"",true]`, [String.raw`"\\"`, String.raw`"\""`, "true"]],
    ["[]", []],
    [" [ ] ", []],
    ['{"a":[1]}', []],
    ['"[1]"', []],
  ])("keeps the caller's spelling in %s", (text, elements) => {
    expect(elementTexts(text)).toEqual(elements);
  });

  it("takes the time of one look at the text, however many there are", () => {
    const [few, many] = [1_000, 100_000].map((count) => `[${'{"a":[1,2]},'.repeat(count)}0]`);
    const startedAt = performance.now();
    expect(elementTexts(few ?? "")).toHaveLength(1_001);
    expect(elementTexts(many ?? "")).toHaveLength(100_001);
    // Quadratic, it would be ten thousand times what the few take.
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  it("comes to an end on text that is no JSON", () => {
    fc.assert(
      fc.property(trickyText, (rest) => {
        expect(elementTexts(`[${rest}`).length).toBeLessThanOrEqual(rest.length + 1);
      }),
    );
  });
});

describe("parseToShow", () => {
  const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);

  it("parses what a request could have brought", () => {
    expect(JSON.stringify(parseToShow(nested(64)))).toBe(nested(64));
  });

  it("leaves numbers as they are spelled", () => {
    const text = '{"id":12345678901234567890,"price":1.10}';
    expect(JSON.stringify(parseToShow(text))).toBe(text);
  });

  it("leaves what nests deeper as text, so that it can be written", () => {
    expect(parseToShow(nested(65))).toBe(nested(65));
    expect(JSON.parse(JSON.stringify(parseToShow(nested(6_000))))).toBe(nested(6_000));
  });
});

describe("nestingDepth", () => {
  it("agrees with recursion over the parsed value, however the text is spelled", () => {
    fc.assert(
      fc.property(anyValue, choices, (value, choose) => {
        const text = spell(value, choose);
        expect(nestingDepth(text)).toBe(depthOf(JSON.parse(text)));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ["1", 0],
    ['"[[[["', 0],
    ["[]", 1],
    ["{}", 1],
    ['[{"a":[]},[1]]', 3],
    [String.raw`["\"[[[", "\\", [1]]`, 2],
  ])("of %s is %i", (text, depth) => {
    expect(nestingDepth(text)).toBe(depth);
  });

  it("measures a hundred thousand levels without running out of stack", () => {
    expect(nestingDepth("[".repeat(100_000) + "]".repeat(100_000))).toBe(100_000);
  });

  it("comes to an end on text that is no JSON, and never finds less than its brackets open at first", () => {
    fc.assert(
      fc.property(fc.nat({ max: 200 }), trickyText, (levels, rest) => {
        expect(nestingDepth("[".repeat(levels) + rest)).toBeGreaterThanOrEqual(levels);
      }),
    );
  });
});
