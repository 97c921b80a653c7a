import { expect, test } from "vitest";
import { typeToTest } from "./test-delivery.ts";

test.each<[eventTypes: string[], type: string]>([
  [[], "lead.captured"],
  [["*"], "lead.captured"],
  [["message.*", "order.made"], "order.made"],
  [["message.*"], "message.received"],
  [["order.*", "session.*"], "session.status"],
  [["order.*"], "lead.captured"],
])("an endpoint that subscribes to %j is tested with %s", (eventTypes, type) => {
  expect(typeToTest(eventTypes)).toBe(type);
});
