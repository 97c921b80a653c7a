/**
 * Bounds how long a caller waits for an answer, and how much unfinished work may pile up.
 *
 * What a handler began goes on: a write that hangs with the database may still be committed when that
 * comes back, which is what Idempotency-Key is for.
 *
 * Fastify's own `handlerTimeout` is cleared as soon as a request's body has been read (5.12, Node 24),
 * so it never fires for a POST.
 */
import type { FastifyInstance } from "fastify";
import { within } from "@webhook-delivery/shared/within.ts";

/** The service could not answer in time; answered like a database that is away. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

/** Requests whose work is not done, answered or not; a hanging database would collect them all. */
const MOST_UNFINISHED = 1_000;

declare module "fastify" {
  interface FastifyContextConfig {
    /** Instead of the usual bound, for routes that have more to do. */
    answerTimeoutMs?: number;
  }
}

export function boundAnswers(app: FastifyInstance, timeoutMs: number): void {
  let unfinished = 0;
  app.addHook("onRoute", (route) => {
    const { handler } = route;
    const boundMs = route.config?.answerTimeoutMs ?? timeoutMs;
    route.handler = async function bounded(request, reply) {
      if (unfinished >= MOST_UNFINISHED) throw new DeadlineError("too many unfinished requests");
      unfinished++;
      const work = Promise.resolve(handler.call(this, request, reply)).finally(() => unfinished--);
      return withinDeadline(work, boundMs);
    };
  });
}

/** Rejects with a DeadlineError when `work` takes longer; it goes on by itself. */
export async function withinDeadline<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  return within(timeoutMs, work, () => new DeadlineError(`no answer within ${timeoutMs} ms`));
}
