import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findUnstorableText, isStorable } from "./storable-text.ts";

const LONE_HIGH = "\ud800";
const LONE_LOW = "\udc00";

describe("isStorable", () => {
  it.each(["", "plain", "Zoë 🦊", "\u0001\u001f\u007f", "\ufffe\uffff", "\u{10ffff}", "\\u0000"])(
    "takes %j",
    (text) => expect(isStorable(text)).toBe(true),
  );

  it.each(["\0", "a\0b", LONE_HIGH, `a${LONE_LOW}b`, LONE_LOW + LONE_HIGH])("refuses %j", (text) =>
    expect(isStorable(text)).toBe(false),
  );

  it("takes exactly what survives UTF-8 and holds no U+0000", () => {
    const anyText = fc.string({ unit: fc.nat({ max: 0xffff }).map((c) => String.fromCharCode(c)) });
    fc.assert(
      fc.property(anyText, (text) => {
        const survives = Buffer.from(text, "utf8").toString("utf8") === text;
        expect(isStorable(text)).toBe(survives && !text.includes("\u0000"));
      }),
    );
  });
});

describe("findUnstorableText", () => {
  it.each([
    ["\0", "body"],
    [{ a: "\0" }, "body.a"],
    [{ ok: "x", lead: { tags: ["x", LONE_HIGH] } }, "body.lead.tags.1"],
    [[["x"], [LONE_LOW]], "body.1.0"],
  ])("names the place of the first text that cannot be stored (%#)", (value, path) => {
    expect(findUnstorableText(value, "body")).toBe(path);
  });

  it("names the object of a key that cannot be stored, never the key", () => {
    expect(findUnstorableText({ lead: { "a\0": 1 } }, "body")).toBe("body.lead");
  });

  it.each([null, undefined, 1, true, "text", [], {}, { a: [null, { b: "x" }] }])(
    "finds nothing in %j",
    (value) => expect(findUnstorableText(value, "body")).toBeUndefined(),
  );

  it("sees members with the prototype's names", () => {
    const value: unknown = JSON.parse(String.raw`{"__proto__":{"a":"\u0000"}}`);
    expect(findUnstorableText(value, "body")).toBe("body.__proto__.a");
  });

  it("finds something exactly when there is something, in any JSON", () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ stringUnit: "binary", maxDepth: 3 }),
        fc.boolean(),
        (value, spoil) => {
          const whole = spoil ? [value, { deep: "\0" }] : value;
          const isBad = /\\u0000|\\ud[89a-f]/i.test(JSON.stringify(whole).replaceAll("\\\\", ""));
          expect(findUnstorableText(whole, "body") !== undefined).toBe(isBad);
        },
      ),
    );
  });

  it("always names a place that can itself be stored", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary", maxDepth: 3 }), (value) => {
        expect(isStorable(findUnstorableText([value, "\0"], "body") ?? "\0")).toBe(true);
      }),
    );
  });
});
