import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { banner, sampleCurl } from "./banner.ts";

const facts = {
  version: "1.2.3",
  origin: "http://localhost:3999",
  host: "127.0.0.1",
  apiKey: "it's a $KEY",
  database: "embedded",
  queue: "postgres",
  dataFolder: "/somewhere/.data",
  isOwnKey: true,
} as const;

test("prints a curl line that a shell takes apart as it was meant", () => {
  const line = sampleCurl(facts).replace(/^curl /, "printf '%s\\n' ");
  const words = execFileSync("/bin/sh", ["-c", line], { encoding: "utf8" }).trimEnd().split("\n");
  expect(words.slice(0, -1)).toEqual([
    "-X",
    "POST",
    "http://localhost:3999/api/webhook-delivery",
    "-H",
    "Authorization: Bearer it's a $KEY",
    "-H",
    "content-type: application/json",
    "-d",
  ]);
  expect(JSON.parse(words.at(-1) ?? "")).toEqual({
    leadId: "test-lead-id",
    webhookUrl: "http://localhost:4000/hook",
    webhookSecret: "test-secret",
    campaignName: "Test Campaign",
  });
});

test("keeps every line that is to be pasted on one line of its own", () => {
  const pasted = banner(facts)
    .split("\n")
    .filter((line) => /^(curl|node) /.test(line));
  expect(pasted).toHaveLength(3);
});

test.each([
  ["127.0.0.1", "from this machine only"],
  ["::1", "from this machine only"],
  ["localhost", "from this machine only"],
  ["0.0.0.0", "from every machine that reaches this one"],
  ["::", "from every machine that reaches this one"],
  ["192.0.2.7", "at this address only"],
])("says from where it can be reached when it listens on %s", (host, reach) => {
  expect(banner({ ...facts, host })).toContain(reach);
});

test("needs no pnpm to be installed for anything that it says to run", () => {
  const hints = banner(facts).match(/.*pnpm.*/g) ?? [];
  expect(hints.length).toBeGreaterThan(3);
  for (const line of hints) expect(line).toContain("npx -y pnpm@12 ");
});
