/**
 * Where a mix is played: the real service, freshly started on an empty database, and the receivers.
 * Everything in it ends with this process, however that ends.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startStack, untilReady, type Backend, type Stack } from "../../tests/chaos/stack.ts";
import { createPoster, type Poster, type Target } from "./poster.ts";
import { startReceivers, type Receivers } from "./receivers.ts";
import type { Behaviour } from "./wire.ts";

export interface Settings {
  readonly seconds: number;
  /** Of healthy deliveries, and as many of sick ones. */
  readonly perSecond: number;
  readonly isUnlimited: boolean;
  readonly isByHost: boolean;
}

export interface Scene extends AsyncDisposable {
  readonly settings: Settings;
  readonly stack: Stack;
  readonly receivers: Receivers;
  readonly poster: Poster;
  /** New receivers named `group 1` and so on, and how to post to them. */
  open(group: string, count: number, behaviour: Behaviour): Promise<Group>;
  /** The answer's body; throws when it is an error. */
  readonly call: <T>(path: string, body: object, apiKey?: string) => Promise<T>;
}

interface Group {
  readonly names: readonly string[];
  readonly urls: readonly string[];
  readonly targets: readonly Target[];
}

export const GOOD: Behaviour = { kind: "answer", status: 200, afterMs: 0 };

/** Empty: unset, so the default holds and not what the stack sets for its other uses. */
const DEFAULTS = {
  WORKER_CONCURRENCY: "",
  RATE_LIMIT_PER_SECOND: "",
  DELIVERY_TIMEOUT_MS: "",
  RETRY_SCHEDULE_SECONDS: "",
  SHUTDOWN_TIMEOUT_MS: "",
  LOG_LEVEL: "warn",
};
const UNLIMITED = { ...DEFAULTS, WORKER_CONCURRENCY: "50", RATE_LIMIT_PER_SECOND: "0" };

export async function startScene(backend: Backend, settings: Settings): Promise<Scene> {
  await using started = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "webhook-delivery-bench-"));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  const receivers = startReceivers();
  started.defer(() => receivers.close());
  const stack = await startStack({
    backend,
    folder,
    env: settings.isUnlimited ? UNLIMITED : DEFAULTS,
    // The disk of a shared machine would be all that is measured.
    isDirect: true,
    postgresSettings: { fsync: "off", synchronous_commit: "off" },
  });
  started.defer(() => stack.stop());
  await becomeReady(stack);
  const poster = createPoster(stack);
  started.defer(() => poster.close());
  const end = started.move();
  const call = callerOf(stack);
  return {
    settings,
    stack,
    receivers,
    poster,
    call,
    async open(group, count, behaviour) {
      const names = Array.from({ length: count }, (_, n) => `${group} ${n + 1}`);
      const behaviours = Object.fromEntries(names.map((name) => [name, behaviour]));
      const urls = [...(await receivers.open(behaviours)).values()];
      const targets: Target[] = [];
      for (const url of urls) {
        targets.push(settings.isByHost ? { webhookUrl: url } : await register(call, { url }));
      }
      return { names, urls, targets };
    },
    [Symbol.asyncDispose]: () => end.disposeAsync(),
  };
}

const READY_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 200;

/** A program that does not start would otherwise be waited for without end. */
async function becomeReady(stack: Stack): Promise<void> {
  const isReady = untilReady(stack).then(() => true);
  const giveUpAt = performance.now() + READY_WITHIN_MS;
  while (!(await Promise.race([isReady, sleep(LOOK_EVERY_MS, false)]))) {
    for (const program of [...stack.ingests, ...stack.workers]) {
      if (program.hasCrashed())
        throw new Error(`${program.name} ended by itself; does it start outside of this?`);
    }
    if (performance.now() > giveUpAt) throw new Error("the service did not become ready");
  }
}

export async function register(
  call: Scene["call"],
  body: object,
  apiKey?: string,
): Promise<{ readonly endpointId: string }> {
  const { endpoint } = await call<{ endpoint: { id: string } }>("/endpoints", body, apiKey);
  return { endpointId: endpoint.id };
}

function callerOf({ ingestUrls, apiKey: operatorKey }: Stack): Scene["call"] {
  return async <T>(path: string, body: object, apiKey = operatorKey) => {
    const response = await fetch(`${ingestUrls[0]}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} was answered with ${response.status}: ${text}`);
    return JSON.parse(text) as T;
  };
}
