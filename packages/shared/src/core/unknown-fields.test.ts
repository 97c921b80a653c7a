import { expect, it } from "vitest";
import { findUnknownFields } from "./unknown-fields.ts";

const SCHEMA = {
  properties: {
    webhookUrl: {},
    webhookSecret: { anyOf: [{}, {}] },
    payload: {},
    lead: { anyOf: [{ properties: { email: {}, customFields: { patternProperties: {} } } }, {}] },
    list: { items: { properties: { name: {} } } },
  },
};

it("takes what resembles a known field for a mistake, at any depth", () => {
  const body = {
    webhookSecert: "x",
    lead: { emial: "a@b.c", customFields: { emial: 1 } },
    list: [{ name: "a" }, { nmae: "b" }],
    payload: { payloda: 1 },
  };
  expect(findUnknownFields(SCHEMA, body, "body")).toEqual({
    mistakes: [
      {
        field: "body.webhookSecert",
        message: "is not known here; did you mean webhookSecret?",
      },
      { field: "body.lead.emial", message: "is not known here; did you mean email?" },
      { field: "body.list.1.nmae", message: "is not known here; did you mean name?" },
    ],
    warnings: [],
  });
});

it("warns of any other, and of no more than anybody reads", () => {
  expect(findUnknownFields(SCHEMA, { note: 1, lead: { phone: 2 } }, "body")).toEqual({
    mistakes: [],
    warnings: [
      { field: "body.note", message: "is not known here and was ignored" },
      { field: "body.lead.phone", message: "is not known here and was ignored" },
    ],
  });
  const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, no) => [`n${no}`, no]));
  expect(findUnknownFields(SCHEMA, many, "body").warnings.length).toBe(50);
});

it("takes every unknown field for a mistake where the schema takes no other", () => {
  const strict = { properties: { since: {} }, additionalProperties: false };
  expect(findUnknownFields(strict, { sicne: 1, other: 2 }, "body").mistakes).toEqual([
    { field: "body.sicne", message: "is not known here; did you mean since?" },
    { field: "body.other", message: "is not known here" },
  ]);
});

it.each([null, undefined, "text", 5, [{ webhookSecert: 1 }]])("finds nothing in %j", (value) => {
  expect(findUnknownFields(SCHEMA, value, "body")).toEqual({ mistakes: [], warnings: [] });
});
