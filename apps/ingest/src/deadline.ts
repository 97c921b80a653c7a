/**
 * Bounds how long a caller waits for an answer. What a handler began goes on: a write that hangs with
 * the database may still be committed when that comes back, which is what Idempotency-Key is for.
 *
 * Fastify's own `handlerTimeout` is cleared as soon as a request's body has been read (5.12, Node 24),
 * so it never fires for a POST.
 */
import type { FastifyInstance } from "fastify";

/** The service could not answer in time; answered like a database that is away. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

export function boundAnswers(app: FastifyInstance, timeoutMs: number): void {
  app.addHook("onRoute", (route) => {
    const { handler } = route;
    route.handler = async function bounded(request, reply) {
      let timer: NodeJS.Timeout | undefined;
      const deadline = new Promise<never>((_, reject) => {
        timer = setTimeout(
          () => reject(new DeadlineError(`no answer within ${timeoutMs} ms`)),
          timeoutMs,
        );
      });
      try {
        return await Promise.race([handler.call(this, request, reply), deadline]);
      } finally {
        clearTimeout(timer);
      }
    };
  });
}
