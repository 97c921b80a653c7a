/**
 * Callers behind a router: each request goes to one ingest and, only when that one refuses the
 * connection, to the other. Everything else that is not a 202 is a failed request.
 */
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { DeliveryJson } from "@webhook-delivery/shared/testing/api.ts";
import { API_KEY } from "@webhook-delivery/shared/testing/service.ts";

export interface Callers {
  /** Ids of the deliveries that were answered with 202. */
  readonly accepted: readonly string[];
  /** What went wrong, in words. */
  readonly failures: readonly string[];
  /** Resolves when that many more were accepted. */
  waitForMore(count: number): Promise<void>;
  /** Resolves when every request is answered. */
  stop(): Promise<void>;
}

/** Lanes of each kind of client; every lane has one request under way at a time. */
const LANES = 3;
const PAUSE_MS = 60;

interface Answer {
  readonly status: number;
  readonly text: string;
}
type Post = (url: string, body: string) => Promise<Answer>;

const HEADERS = { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" };

export function startCallers(ports: readonly [number, number], body: object): Callers {
  const agent = new Agent({ keepAlive: true });
  const clients: Record<string, Post> = {
    fetch: postByFetch,
    agent: (url, text) => postByAgent(agent, url, text),
  };
  const text = JSON.stringify(body);
  const accepted: string[] = [];
  const failures: string[] = [];
  const waiting = new Set<() => void>();
  let isStopped = false;

  const callOnce = async (name: string, post: Post, first: number): Promise<void> => {
    const order = [ports[first % 2], ports[(first + 1) % 2]];
    for (const port of order) {
      try {
        const answer = await post(`http://127.0.0.1:${port}/webhook-delivery`, text);
        if (answer.status === 202) {
          accepted.push((JSON.parse(answer.text) as { delivery: DeliveryJson }).delivery.id);
        } else failures.push(`${name}: ${answer.status} ${answer.text}`);
        return;
      } catch (error) {
        if (!isRefusal(error)) {
          failures.push(`${name}: ${describe(error)}`);
          return;
        }
      }
    }
    failures.push(`${name}: both refused`);
  };
  const run = async (name: string, post: Post, lane: number): Promise<void> => {
    for (let n = lane; !isStopped; n++) {
      await callOnce(name, post, n);
      for (const lookAgain of waiting) lookAgain();
      await sleep(PAUSE_MS);
    }
  };
  const lanes = Object.entries(clients).flatMap(([name, post]) =>
    Array.from({ length: LANES }, (_, lane) => run(name, post, lane)),
  );
  return {
    accepted,
    failures,
    waitForMore(count) {
      const enough = accepted.length + count;
      return new Promise((resolve) => {
        const look = (): void => {
          if (accepted.length < enough) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
      });
    },
    async stop() {
      isStopped = true;
      await Promise.all(lanes);
      agent.destroy();
    },
  };
}

async function postByFetch(url: string, body: string): Promise<Answer> {
  const response = await fetch(url, { method: "POST", headers: HEADERS, body });
  return { status: response.status, text: await response.text() };
}

function postByAgent(agent: Agent, url: string, body: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { ...HEADERS, "content-length": Buffer.byteLength(body) };
    const asked = request(url, { agent, method: "POST", headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.once("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.once("error", reject);
    });
    asked.once("error", reject);
    asked.end(body);
  });
}

/** Nothing was sent. A listener that closes resets who is in the middle of its handshake. */
function isRefusal(error: unknown): boolean {
  const { code, syscall, cause } = error as NodeJS.ErrnoException;
  if (code === "ECONNREFUSED" || (code === "ECONNRESET" && syscall === "connect")) return true;
  return cause !== undefined && isRefusal(cause);
}

function describe(error: unknown): string {
  const { message, cause } = error as Error;
  return cause === undefined ? message : `${message}: ${describe(cause)}`;
}
