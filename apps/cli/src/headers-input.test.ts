import { expect, test } from "vitest";
import { readHeaders, type HeaderOptions } from "./headers-input.ts";

const read = (options: HeaderOptions, stdin = "") =>
  readHeaders(options, () => Promise.resolve(stdin));

test("takes lines, JSON and both together", async () => {
  expect(await read({})).toBeUndefined();
  expect(await read({ header: ["X-Kit-Api-Key: abc", "a:b: c ", "empty:"] })).toEqual({
    "X-Kit-Api-Key": "abc",
    a: "b: c",
    empty: "",
  });
  expect(await read({ headers: "{}" })).toEqual({});
  expect(await read({ headers: "-", header: ["a: 1"] }, '{"b":"2"}')).toEqual({ a: "1", b: "2" });
});

test.each<[options: HeaderOptions, says: string]>([
  [{ header: ["hidden-token"] }, "--header must be 'name: value'"],
  [{ header: [": hidden-token"] }, "--header must be 'name: value'"],
  [{ header: ["A: hidden-token", "a: hidden-token"] }, "The header a is given twice"],
  [{ headers: '{"a":"hidden-token"}', header: ["A: 1"] }, "The header a is given twice"],
  [{ headers: '{"a": hidden-token}' }, "--headers is no JSON"],
  [{ headers: "1.0" }, "one JSON object of texts"],
  [{ headers: '["hidden-token"]' }, "one JSON object of texts"],
  [{ headers: '{"a":["hidden-token"]}' }, "one JSON object of texts"],
])("refuses %j, and repeats no value", async (options, says) => {
  const message = await read(options).then(
    () => "",
    (error: unknown) => (error as Error).message,
  );
  expect(message).toContain(says);
  expect(message).not.toContain("hidden-token");
});
