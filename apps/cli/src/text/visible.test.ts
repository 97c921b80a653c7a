import { expect, test } from "vitest";
import { onlyColours, visible, visibleJson, visibleLines } from "./visible.ts";

const HOSTILE = "\u001b[2J\u001b]0;owned\u0007\u009b31m\r\u0000\u007f\u202eabc\u2066\u2028";

test("leaves nothing in a text that a terminal would act on", () => {
  expect(visible(HOSTILE)).toBe(
    "\\x1b[2J\\x1b]0;owned\\x07\\x9b31m\\r\\x00\\x7f\\u{202e}abc\\u{2066}\\u{2028}",
  );
});

test("keeps a text on its line", () => {
  expect(visible("one\ntwo\tthree")).toBe("one\\ntwo\\tthree");
  expect(visibleLines("one\r\ntwo\tthree\u001b")).toEqual(["one", "two  three\\x1b"]);
});

test("leaves words of every language and emoji as they are", () => {
  const text = "Grüße 世界 عالم 👩‍👩‍👧 – …";
  expect(visible(text)).toBe(text);
});

test("writes JSON that is harmless and means the same", () => {
  const value = { body: HOSTILE, tag: "\u{e0041}", nested: ["\u0085"] };
  for (const indent of [undefined, 2]) {
    const text = visibleJson(value, indent);
    expect(text.replaceAll("\n", "")).toMatch(/^[\x20-\x7e]*$/);
    expect(JSON.parse(text)).toEqual(value);
  }
});

test("lets colours through the last gate and nothing else", () => {
  expect(onlyColours("\u001b[31mred\u001b[39m \u001b[2J\n")).toBe(
    "\u001b[31mred\u001b[39m \\x1b[2J\\n",
  );
});
