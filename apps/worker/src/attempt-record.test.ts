import type { AttemptResult } from "@webhook-delivery/shared/core/attempt-result.ts";
import type { ClaimedDelivery } from "@webhook-delivery/shared/db/claims.ts";
import { describe, expect, it } from "vitest";
import { afterAnswer } from "./attempt-record.ts";

const NOW = new Date("2026-03-10T12:00:00.000Z");
const deps = { scheduleMs: [5_000, 25_000, 125_000], now: () => NOW, responseBodyLimit: 10 };

function claimed(also: Partial<ClaimedDelivery>): ClaimedDelivery {
  return {
    id: "d",
    claimId: "c",
    destination: "a.example",
    clientId: null,
    eventType: "lead.captured",
    webhookUrl: "https://a.example/",
    format: "standard",
    body: "{}",
    secretEncrypted: null,
    attempt: 1,
    maxAttempts: 4,
    attemptsBeforeRound: 0,
    internalFaults: 0,
    permit: "normal",
    isTestDelivery: false,
    isFromOutbox: false,
    endpoint: null,
    ...also,
  };
}

function after(claim: Partial<ClaimedDelivery>, status: number) {
  const result: AttemptResult = { kind: "response", status, headers: {}, body: "", durationMs: 7 };
  const last = { id: "a", url: null, calledAt: NOW, headers: {}, result };
  const { next, chargedTo } = afterAnswer(deps, claimed(claim), { earlier: [], last });
  const inMs = next.status === "pending" ? next.retryAt.getTime() - NOW.getTime() : null;
  return { status: next.status, inMs, chargedTo };
}

describe("an attempt", () => {
  it("is the receiver's, and follows the schedule to its end", () => {
    const receiver = { chargedTo: "receiver" };
    expect(after({}, 200)).toEqual({ status: "success", inMs: null, ...receiver });
    expect(after({}, 500)).toEqual({ status: "pending", inMs: 5_000, ...receiver });
    expect(after({ attempt: 4 }, 500)).toEqual({ status: "failed", inMs: null, ...receiver });
  });
});

describe("a probe", () => {
  const probe = { permit: "probe" } as const;

  it("that finds its destination ill costs nothing, and the delivery makes room for another", () => {
    const nobody = { chargedTo: "nobody" };
    expect(after(probe, 500)).toEqual({ status: "pending", inMs: 60_000, ...nobody });
    const last = { ...probe, attempt: 4 };
    expect(after(last, 503)).toEqual({ status: "pending", inMs: 125_000, ...nobody });
  });

  it.each([
    [200, "success"],
    [404, "failed"],
    [410, "failed"],
  ])("that is answered with %i is an attempt as any other", (status, expected) => {
    expect(after(probe, status)).toEqual({ status: expected, inMs: null, chargedTo: "receiver" });
  });
});
