/**
 * `pnpm demo`: what the product does, in half a minute. A service of its own on free ports with its own
 * database beside that of `pnpm start`, a receiver that checks every signature, and four deliveries:
 * one that arrives, one that is retried, one that is refused for good, one that is asked to wait.
 * Ends with 0 when each ended as it says, else with 1.
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { VARIABLES } from "@webhook-delivery/shared/config.ts";
import { SAMPLE_LEAD_ID } from "@webhook-delivery/shared/core/lead.ts";
import { DATA_FOLDER } from "@webhook-delivery/shared/development.ts";
import { loadDevelopmentSecrets } from "@webhook-delivery/shared/embedded/development-secrets.ts";
import { connectApi, type DemoApi, type DeliveryWithAttempts } from "./dev/demo-api.ts";
import { startReceiver, type Answer, type ReceivedAttempt } from "./dev/demo-receiver.ts";
import { chooseLogLines } from "./dev/log-lines.ts";
import { CannotRun, runCommand } from "./dev/run-command.ts";
import type { Env } from "./dev/services.ts";
import { withStack } from "./dev/stack.ts";
import { table } from "./dev/table.ts";

interface Scenario {
  readonly name: string;
  readonly content: Readonly<Record<string, unknown>>;
  /** What the receiver answers to each attempt; as many as there should be. */
  readonly answers: readonly Answer[];
  readonly ends: "success" | "failed";
}

const DEMO_FOLDER = join(DATA_FOLDER, "demo");
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

await runCommand(async (stop) => {
  const showLine = await chooseLogLines(process.stdout.isTTY);
  console.log("Starting a service for the demo …");
  const options = {
    env: demoEnv(process.env),
    // Nobody will miss it, so nobody waits for the disk.
    embedded: { folder: join(DEMO_FOLDER, "postgres"), settings: { fsync: "off" } },
    stop,
    say: (line: string) => console.log(line),
    onLog: (line: string) => console.log(showLine(line)),
  };
  return withStack(options, async (stack) => {
    const failure = stack.ended.then((why) => Promise.reject(new CannotRun(why)));
    return Promise.race([runDemo(connectApi(stack), stop.signal), failure]);
  });
});

/** Settings of the caller's own service, its database and its Redis above all, are not the demo's. */
function demoEnv(env: Env): Env {
  const { apiKey, encryptionKey } = loadDevelopmentSecrets(DEMO_FOLDER);
  const others = Object.entries(env).filter(([name]) => !Object.hasOwn(VARIABLES, name));
  return {
    ...Object.fromEntries(others),
    NODE_ENV: "development",
    HOST: "127.0.0.1",
    PORT: "0",
    API_KEYS: apiKey,
    ENCRYPTION_KEY: encryptionKey,
    RETRY_SCHEDULE_SECONDS: "1,2,3",
    LOG_LEVEL: env["LOG_LEVEL"] || "error",
  };
}

async function runDemo(api: DemoApi, signal: AbortSignal): Promise<number> {
  const startedAt = performance.now();
  const answers = new Map(SCENARIOS.map((scenario) => [scenario.name, scenario.answers]));
  const receiver = await startReceiver(answers, (attempt) =>
    console.log(describeAttempt(attempt, performance.now() - startedAt)),
  );
  try {
    console.log(
      "\nFour deliveries to one receiver; waits between attempts are 1, 2 and 3 s here.\n",
    );
    const ids = await Promise.all(
      SCENARIOS.map(({ name, content }) =>
        api.send({
          ...content,
          webhookUrl: `${receiver.origin}/${name}`,
          webhookSecret: receiver.secret,
        }),
      ),
    );
    const deliveries = await untilFinished(api, ids, signal);
    console.log(`\nWhat the API says of them:\n\n${describeDeliveries(deliveries)}\n`);
    return judge(deliveries, receiver.received);
  } finally {
    receiver.close();
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

/** The exit code. */
function judge(
  deliveries: readonly DeliveryWithAttempts[],
  received: readonly ReceivedAttempt[],
): number {
  const valid = received.filter(({ isSignatureValid }) => isSignatureValid).length;
  const isAsExpected = SCENARIOS.every(({ ends, answers }, index) => {
    const delivery = deliveries[index];
    return delivery?.status === ends && delivery.attempts.length === answers.length;
  });
  console.log(
    `Signatures checked with the package standardwebhooks: ${valid} of ${received.length} ok.`,
  );
  if (isAsExpected && valid === received.length) return 0;
  console.error("This is not how it should have ended.");
  return 1;
}
