import { expect, it } from "vitest";
import { snakeCase } from "./names.ts";

it.each([
  ["firstName", "first_name"],
  ["First name", "first_name"],
  ["HTTPStatus2Code", "http_status2_code"],
  ["größeCM", "größe_cm"],
  ["e\u0301tat", "état"],
  ["__proto__", "proto"],
  ["???", "field"],
])("makes of %j %j", (name, snake) => {
  expect(snakeCase(name)).toBe(snake);
});

it("leaves a long name's marks as they are, since composing many takes the square of their number", () => {
  const name = "e\u0301".repeat(200);
  expect(snakeCase(name)).toBe(name);
});
