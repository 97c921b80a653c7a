import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Failure } from "./failure.ts";
import { parseJson, readJson } from "./json-input.ts";

const noStdin = () => Promise.reject(new Error("nobody should read standard input"));

test("takes JSON as it stands, from a file and from standard input", async () => {
  const folder = mkdtempSync(join(tmpdir(), "json-input-"));
  try {
    const path = join(folder, "payload.json");
    writeFileSync(path, '{"from":"file"}\n');
    const read = (text: string, readStdin: () => Promise<string> = noStdin) =>
      readJson({ option: "--payload", text }, readStdin);
    expect(await read('{"a":[true,null,"x"]}')).toEqual({ a: [true, null, "x"] });
    expect(await read(`@${path}`)).toEqual({ from: "file" });
    expect(await read("-", () => Promise.resolve('"stdin"'))).toBe("stdin");
    await expect(read(`@${join(folder, "none.json")}`)).rejects.toThrow(
      "none.json' cannot be read (ENOENT)",
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("keeps the spelling of numbers", () => {
  const text = '{"id":12345678901234567890,"price":1.0,"tiny":1e-7,"list":[0,-0.50]}';
  expect(JSON.stringify(parseJson({ option: "--payload", text }))).toBe(text);
});

test.each(["", "{", "{a:1}", "undefined"])(
  "says that '%s' is no JSON, and what would be",
  (text) => {
    expect(() => parseJson({ option: "--payload", text })).toThrow(Failure);
    expect(() => parseJson({ option: "--payload", text })).toThrow(
      /^--payload is no JSON .*@file, or - for/s,
    );
  },
);
