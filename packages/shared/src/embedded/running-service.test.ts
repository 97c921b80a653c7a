import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findRunningService, keepRunningService } from "./running-service.ts";

const URL_OF_ONE = "http://127.0.0.1:4350";
/** Higher than any system gives out. */
const NOBODY = 2 ** 31 - 1;
let folder: string;

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "running-service-")), "data");
});
afterEach(() => {
  rmSync(join(folder, ".."), { recursive: true });
});

const file = () => join(folder, "running-service.json");

test("is found while it runs, by its owner only, and not afterwards", () => {
  expect(findRunningService(folder)).toBeUndefined();
  const kept = keepRunningService(folder, URL_OF_ONE);
  expect(findRunningService(folder)).toBe(URL_OF_ONE);
  expect(statSync(file()).mode & 0o777).toBe(0o600);
  kept[Symbol.dispose]();
  expect(findRunningService(folder)).toBeUndefined();
  expect(readdirSync(folder)).toEqual([]);
});

test("is not believed when its process is gone, or when the file is damaged", () => {
  keepRunningService(folder, URL_OF_ONE)[Symbol.dispose]();
  const contents = [JSON.stringify({ url: URL_OF_ONE, pid: NOBODY }), "{", "null", "{}", ""];
  for (const content of contents) {
    writeFileSync(file(), content);
    expect(findRunningService(folder)).toBeUndefined();
  }
});

test("of another start is left alone", () => {
  const kept = keepRunningService(folder, URL_OF_ONE);
  const ofAnother = { url: "http://127.0.0.1:4351", pid: process.ppid };
  writeFileSync(file(), JSON.stringify(ofAnother));
  kept[Symbol.dispose]();
  expect(findRunningService(folder)).toBe(ofAnother.url);
});
