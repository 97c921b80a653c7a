import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { exampleOfSchema, type JsonSchema } from "./openapi-examples.ts";

const Ada = Type.Object({ name: Type.String() }, { examples: [{ name: "Ada" }] });

describe("the example of a schema", () => {
  it.each<[string, JsonSchema, unknown]>([
    ["the one that is written", Ada, { name: "Ada" }],
    ["the only value there is", Type.Literal("success"), "success"],
    ["the default", Type.Integer({ default: 50 }), 50],
    ["the first of several values", { enum: ["pending", "sent"] }, "pending"],
    ["null where nothing better is known", Type.Union([Type.String(), Type.Null()]), null],
    ["a list of one", Type.Array(Ada), [{ name: "Ada" }]],
    [
      "an object of its members' examples",
      Type.Object({ status: Type.Literal("success"), client: Ada, more: Type.Optional(Ada) }),
      { status: "success", client: { name: "Ada" }, more: { name: "Ada" } },
    ],
    [
      "an object without what it may lack and nobody wrote an example for",
      Type.Object({
        days: Type.Optional(Type.Integer({ default: 7 })),
        q: Type.Optional(Type.String()),
      }),
      { days: 7 },
    ],
  ])("is %s", (_which, schema, example) => {
    expect(exampleOfSchema(schema)).toEqual(example);
  });

  it.each<[string, JsonSchema]>([
    ["a text", Type.String()],
    ["a number", Type.Integer()],
    ["an object with a member that has none", Type.Object({ client: Ada, name: Type.String() })],
    ["a list of things that have none", Type.Array(Type.String())],
  ])("is not made up for %s", (_what, schema) => {
    expect(exampleOfSchema(schema)).toBeUndefined();
  });
});
