import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { banner, sampleCurl } from "./banner.ts";

const facts = {
  version: "1.2.3",
  origin: "http://localhost:3999",
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
