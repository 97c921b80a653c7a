import { describe, expect, it } from "vitest";
import { EVENT_TYPES, exampleOf } from "./event-types.ts";
import { SAMPLE_LEAD } from "./lead.ts";

describe("the catalogue of event types", () => {
  it("names each type once", () => {
    const types = EVENT_TYPES.map(({ type }) => type);
    expect(new Set(types).size).toBe(types.length);
  });

  it.each(EVENT_TYPES)("has an example of $type that JSON carries unchanged", (one) => {
    expect(one.description).toMatch(/\.$/);
    expect(Object.keys(one.example).length).toBeGreaterThan(2);
    expect(JSON.parse(JSON.stringify(one.example))).toEqual(one.example);
    expect(exampleOf(one.type)).toBe(one.example);
  });

  it("nests the example lead as a delivery does", () => {
    const { customFields: _, ...lead } = SAMPLE_LEAD;
    expect(exampleOf("lead.captured")).toMatchObject({
      lead,
      campaign: { name: expect.any(String) as unknown },
      customFields: {},
    });
  });

  it.each(["order.paid", "toString", "__proto__", ""])(
    "has something to send for the unknown type %j",
    (type) => {
      expect(exampleOf(type)).toMatchObject({ test: true });
    },
  );
});
