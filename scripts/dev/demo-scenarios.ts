/**
 * What `pnpm demo` shows: four deliveries to a receiver each, because one that asks to wait holds back
 * whatever goes to its URL. Every attempt is said as it arrives, then what the API says of it.
 */
import { setTimeout as delay } from "node:timers/promises";
import { SAMPLE_LEAD_ID } from "@webhook-delivery/shared/core/lead.ts";
import type { DemoApi, DeliveryWithAttempts } from "./demo-api.ts";
import { startReceiver, type Answer, type ReceivedAttempt } from "./demo-receiver.ts";
import { table } from "./table.ts";

interface Scenario {
  readonly name: string;
  readonly content: Readonly<Record<string, unknown>>;
  /** What the receiver answers to each attempt; as many as there should be. */
  readonly answers: readonly Answer[];
  readonly ends: "success" | "failed";
}

/** What the service is started with, as RETRY_SCHEDULE_SECONDS. */
export const WAITS_SECONDS: readonly number[] = [1, 2, 3];
const FINISHED_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 200;
const SHORT_ID_LENGTH = 8;

const SCENARIOS: readonly Scenario[] = [
  {
    name: "arrives",
    content: { leadId: SAMPLE_LEAD_ID, campaignName: "Demo" },
    answers: [{ status: 200 }],
    ends: "success",
  },
  {
    name: "recovers",
    content: { eventType: "message.received", payload: { text: "third time lucky" } },
    answers: [{ status: 500 }, { status: 500 }, { status: 200 }],
    ends: "success",
  },
  {
    name: "refused",
    content: { eventType: "message.sent", payload: { text: "nobody lives here" } },
    answers: [{ status: 404 }],
    ends: "failed",
  },
  {
    name: "waits",
    content: { eventType: "campaign.started", payload: { text: "later, please" } },
    answers: [{ status: 429, headers: { "retry-after": "2" } }, { status: 200 }],
    ends: "success",
  },
];

interface DemoOptions {
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Answers the exit code. The service is taken to wait `WAITS_SECONDS` between attempts. */
export async function runDemo(api: DemoApi, { signal, say }: DemoOptions): Promise<number> {
  const startedAt = performance.now();
  const onAttempt = (attempt: ReceivedAttempt): void =>
    say(describeAttempt(attempt, performance.now() - startedAt));
  const receivers = await Promise.all(
    SCENARIOS.map((scenario) => startReceiver(scenario, onAttempt)),
  );
  try {
    const waits = `${WAITS_SECONDS.slice(0, -1).join(", ")} and ${WAITS_SECONDS.at(-1)} s`;
    say(`\nFour deliveries, a receiver for each; waits between attempts are ${waits} here.\n`);
    const ids = await Promise.all(
      SCENARIOS.map(({ content }, index) => {
        const { url, secret } = receivers[index] ?? {};
        return api.send({ ...content, webhookUrl: url, webhookSecret: secret });
      }),
    );
    const deliveries = await untilFinished(api, ids, signal);
    say(`\nWhat the API says of them:\n\n${describeDeliveries(deliveries)}\n`);
    const received = receivers.flatMap((receiver) => receiver.received);
    const valid = received.filter(({ isSignatureValid }) => isSignatureValid).length;
    say(`Signatures checked with the package standardwebhooks: ${valid} of ${received.length} ok.`);
    if (isAsExpected(deliveries) && valid === received.length) return 0;
    say("This is not how it should have ended.");
    return 1;
  } finally {
    for (const receiver of receivers) receiver.close();
  }
}

function describeAttempt(attempt: ReceivedAttempt, elapsedMs: number): string {
  const { status, headers } = attempt.answer;
  const answer = headers?.["retry-after"]
    ? `${status}, Retry-After: ${headers["retry-after"]}`
    : `${status}`;
  return [
    `${(elapsedMs / 1000).toFixed(2)} s`.padStart(7),
    attempt.name.padEnd(8),
    `attempt ${attempt.attempt}`,
    `signature ${attempt.isSignatureValid ? "ok" : "WRONG"}`,
    // Ids begin with the time; their ends differ.
    `webhook-id …${attempt.webhookId.slice(-SHORT_ID_LENGTH)}`,
    `answered ${answer}`,
  ].join("  ");
}

async function untilFinished(
  api: DemoApi,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<DeliveryWithAttempts[]> {
  const deadline = performance.now() + FINISHED_WITHIN_MS;
  for (;;) {
    const deliveries = await Promise.all(ids.map((id) => api.read(id)));
    const isFinished = deliveries.every(({ status }) => status !== "pending" && status !== "sent");
    if (isFinished || performance.now() > deadline) return deliveries;
    await delay(LOOK_EVERY_MS);
    signal.throwIfAborted();
  }
}

function describeDeliveries(deliveries: readonly DeliveryWithAttempts[]): string {
  const rows = deliveries.map(({ status, attempts }, index) => [
    SCENARIOS[index]?.name ?? "",
    status,
    String(attempts.length),
    describeWaits(attempts),
    attempts.findLast(({ error }) => error !== null)?.error ?? "–",
  ]);
  return table([["delivery", "status", "attempts", "waited between", "last error"], ...rows]);
}

function describeWaits(attempts: DeliveryWithAttempts["attempts"]): string {
  const waits = attempts.slice(1).map((attempt, index) => {
    const before = attempts[index];
    if (before === undefined) return "";
    const endedAt = Date.parse(before.attemptedAt) + before.durationMs;
    return `${((Date.parse(attempt.attemptedAt) - endedAt) / 1000).toFixed(2)} s`;
  });
  return waits.join(", ") || "–";
}

function isAsExpected(deliveries: readonly DeliveryWithAttempts[]): boolean {
  return SCENARIOS.every(({ ends, answers }, index) => {
    const delivery = deliveries[index];
    return delivery?.status === ends && delivery.attempts.length === answers.length;
  });
}
