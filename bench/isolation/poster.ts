/**
 * Posts deliveries at the times of a fixed timetable, whether earlier posts were answered or not: a
 * service that slows down is not spared. What was not answered with 202 is counted, not repeated.
 */
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { machineNow } from "./wire.ts";

/** Where a delivery is to go: an endpoint, or a URL of its own. */
export type Target = { readonly endpointId: string } | { readonly webhookUrl: string };

export interface Stream {
  readonly targets: readonly Target[];
  /** Over all targets, which take turns. */
  readonly perSecond: number;
  /** Of a client, instead of the operator's. */
  readonly apiKey?: string;
}

export interface Accepted {
  readonly id: string;
  /** When the 202 was read. */
  readonly at: number;
}

export interface Posted {
  /** In the order of acceptance. */
  readonly accepted: readonly Accepted[];
  readonly planned: number;
  readonly startedAt: number;
  /** What the timetable was late by at its worst: above 50 ms the machine was too busy to tell. */
  readonly worstLateMs: number;
}

export interface Poster {
  post(body: object, apiKey?: string): Promise<Accepted | undefined>;
  /** Resolves when every post was answered. */
  play(stream: Stream, seconds: number): Promise<Posted>;
  close(): void;
}

const ANSWER_TIMEOUT_MS = 30_000;

export function createPoster(service: {
  readonly ingestUrls: readonly string[];
  readonly apiKey: string;
}): Poster {
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: 256 });
  let count = 0;
  const post = (body: object, apiKey = service.apiKey) => {
    const base = service.ingestUrls[count++ % service.ingestUrls.length] ?? "";
    return postOne({ agent, url: `${base}/webhook-delivery`, apiKey, body });
  };

  return {
    post,
    async play({ targets, perSecond, apiKey }, seconds) {
      const accepted: Accepted[] = [];
      const open: Promise<void>[] = [];
      const planned = Math.max(1, Math.round(perSecond * seconds));
      const startedAt = machineNow();
      let worstLateMs = 0;
      for (let n = 0; n < planned; n++) {
        const dueAt = startedAt + (n * 1000) / perSecond;
        const waitMs = dueAt - machineNow();
        if (waitMs > 1) await sleep(waitMs);
        worstLateMs = Math.max(worstLateMs, machineNow() - dueAt);
        const body = { ...targets[n % targets.length], payload: { n } };
        open.push(post(body, apiKey).then((one) => void (one && accepted.push(one))));
      }
      await Promise.all(open);
      // Ids are of version 7: their order is the order of acceptance.
      accepted.sort((a, b) => (a.id < b.id ? -1 : 1));
      return { accepted, planned, startedAt, worstLateMs };
    },
    close: () => agent.destroy(),
  };
}

/** Undefined: it was not accepted. */
async function postOne(options: {
  readonly agent: Agent;
  readonly url: string;
  readonly apiKey: string;
  readonly body: object;
}): Promise<Accepted | undefined> {
  const { promise, resolve } = Promise.withResolvers<Accepted | undefined>();
  const body = JSON.stringify(options.body);
  const headers = {
    authorization: `Bearer ${options.apiKey}`,
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
  };
  const { agent, url } = options;
  const timeout = ANSWER_TIMEOUT_MS;
  const outgoing = request(url, { agent, method: "POST", headers, timeout }, (response) => {
    const at = machineNow();
    const chunks: Buffer[] = [];
    response.on("error", () => resolve(undefined));
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("end", () => {
      if (response.statusCode !== 202) return resolve(undefined);
      const answer = JSON.parse(Buffer.concat(chunks).toString()) as { delivery: { id: string } };
      resolve({ id: answer.delivery.id, at });
    });
  });
  outgoing.on("timeout", () => outgoing.destroy());
  outgoing.on("error", () => resolve(undefined));
  outgoing.end(body);
  return promise;
}
