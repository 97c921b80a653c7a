/** The few calls the demo makes, over HTTP as any caller would make them. */
import { CannotRun } from "./run-command.ts";

interface Attempt {
  readonly attemptedAt: string;
  readonly durationMs: number;
  readonly error: string | null;
}

export interface DeliveryWithAttempts {
  readonly id: string;
  readonly status: string;
  readonly attempts: readonly Attempt[];
}

export interface DemoApi {
  /** Answers the delivery's id. */
  send(body: Readonly<Record<string, unknown>>): Promise<string>;
  read(id: string): Promise<DeliveryWithAttempts>;
}

const TIMEOUT_MS = 5_000;

export function connectApi({ origin, apiKey }: { origin: string; apiKey: string }): DemoApi {
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await fetch(`${origin}${path}`, {
      method,
      headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (answer.ok) return (await answer.json()) as T;
    throw new CannotRun(`${method} ${path} was answered ${answer.status}: ${await answer.text()}`);
  };
  return {
    async send(body) {
      const answer = await call<{ delivery: { id: string } }>("POST", "/webhook-delivery", body);
      return answer.delivery.id;
    },
    async read(id) {
      const answer = await call<{ delivery: DeliveryWithAttempts }>(
        "GET",
        `/webhook-delivery/${id}`,
      );
      return answer.delivery;
    },
  };
}
