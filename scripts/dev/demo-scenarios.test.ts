/** The demo against a service of the tests: what it says of the waits is what happens. */
import { expect, test } from "vitest";
import { SAMPLE_LEAD, SAMPLE_LEAD_ID } from "@webhook-delivery/shared/core/lead.ts";
import { API_KEY, startService } from "@webhook-delivery/shared/testing/service.ts";
import { connectApi } from "./demo-api.ts";
import { runDemo, WAITS_SECONDS } from "./demo-scenarios.ts";

test("each delivery waits as long as the demo says, whoever else is asked to wait", async () => {
  const env = { RETRY_SCHEDULE_SECONDS: WAITS_SECONDS.join(",") };
  await using service = await startService({ backend: "postgres", env });
  const { id: _, ...lead } = SAMPLE_LEAD;
  await service.api.send("PUT", `/leads/${SAMPLE_LEAD_ID}`, lead);
  const lines: string[] = [];
  const api = connectApi({ origin: service.api.url, apiKey: API_KEY });
  const signal = new AbortController().signal;
  const exitCode = await runDemo(api, { signal, say: (line) => lines.push(...line.split("\n")) });
  const said = lines.join("\n");
  expect(exitCode, said).toBe(0);
  expect(said).toContain("waits between attempts are 1, 2 and 3 s");
  expect(said).toContain("7 of 7 ok");
  const waitsOf = (name: string) => {
    const row = lines.find((line) => line.startsWith(name)) ?? "";
    return Array.from(row.matchAll(/(\d+)\.\d+ s/g), ([, seconds]) => Number(seconds));
  };
  // Never early, and less than a second late.
  expect(waitsOf("recovers"), said).toEqual([1, 2]);
  expect(waitsOf("waits"), said).toEqual([2]);
});
