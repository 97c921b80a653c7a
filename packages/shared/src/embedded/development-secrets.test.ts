import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findDevelopmentSecrets, loadDevelopmentSecrets } from "./development-secrets.ts";

let folder: string;

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "development-secrets-")), "data");
});

afterEach(() => {
  rmSync(join(folder, ".."), { recursive: true });
});

test("makes an API key and a 32-byte encryption key that only their owner may read", () => {
  const { apiKey, encryptionKey } = loadDevelopmentSecrets(folder);
  expect(apiKey).toMatch(/^wd_dev_[\w-]{32}$/);
  expect(Buffer.from(encryptionKey, "base64")).toHaveLength(32);
  expect(readdirSync(folder)).toEqual(["development-secrets.json"]);
  expect(statSync(join(folder, "development-secrets.json")).mode & 0o777).toBe(0o600);
});

test("gives the same secrets again, and others in another folder", () => {
  const secrets = loadDevelopmentSecrets(folder);
  expect(loadDevelopmentSecrets(folder)).toEqual(secrets);
  const others = loadDevelopmentSecrets(join(folder, "other"));
  expect(others.apiKey).not.toBe(secrets.apiKey);
  expect(others.encryptionKey).not.toBe(secrets.encryptionKey);
});

test("finds the secrets that were made, and makes none for who only looks", () => {
  expect(findDevelopmentSecrets(folder)).toBeUndefined();
  expect(existsSync(folder)).toBe(false);
  const secrets = loadDevelopmentSecrets(folder);
  expect(findDevelopmentSecrets(folder)).toEqual(secrets);
  writeFileSync(join(folder, "development-secrets.json"), "{");
  expect(findDevelopmentSecrets(folder)).toBeUndefined();
});

test("gives processes that ask at once the same secrets", async () => {
  const module = JSON.stringify(new URL("development-secrets.ts", import.meta.url).href);
  const script = `
    import { findDevelopmentSecrets, loadDevelopmentSecrets } from ${module};
    console.log(JSON.stringify(loadDevelopmentSecrets(${JSON.stringify(folder)})));`;
  const run = promisify(execFile);
  const outputs = await Promise.all(
    Array.from({ length: 4 }, () => run(process.execPath, ["--input-type=module", "-e", script])),
  );
  expect(new Set(outputs.map(({ stdout }) => stdout)).size).toBe(1);
});

test("says which file is damaged instead of quietly making new keys", () => {
  loadDevelopmentSecrets(folder);
  for (const damaged of ["", "{", "null", '{"apiKey":"wd_dev_x","encryptionKey":"short"}']) {
    writeFileSync(join(folder, "development-secrets.json"), damaged);
    expect(() => loadDevelopmentSecrets(folder)).toThrow("development-secrets.json is damaged");
  }
});
