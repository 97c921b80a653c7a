/**
 * A caller who does what callers should: every delivery has an Idempotency-Key, and one that was not
 * answered is posted again, to the other ingest, until it is. What was answered with 2xx is accepted.
 */
import { setTimeout as sleep } from "node:timers/promises";

export interface Accepted {
  readonly id: string;
  readonly at: number;
}

export interface Load {
  readonly accepted: readonly Accepted[];
  /** Answers that a caller should never see: a 4xx, or a 5xx other than 503. */
  readonly wrongAnswers: readonly string[];
  /** Posts no more; resolves when every post that was begun is accepted. */
  stop(): Promise<void>;
}

const AGAIN_AFTER_MS = 200;
const ANSWER_TIMEOUT_MS = 8_000;

export function startLoad(options: {
  readonly ingestUrls: readonly string[];
  readonly apiKey: string;
  readonly webhookUrl: string;
  readonly perSecond: number;
}): Load {
  const accepted: Accepted[] = [];
  const wrongAnswers: string[] = [];
  const open = new Set<Promise<void>>();
  let count = 0;

  const post = async (n: number): Promise<void> => {
    const body = JSON.stringify({
      webhookUrl: options.webhookUrl,
      webhookSecret: "chaos-secret",
      payload: { n },
    });
    for (let attempt = 0; ; attempt++) {
      const base = options.ingestUrls[(n + attempt) % options.ingestUrls.length] ?? "";
      try {
        const response = await fetch(`${base}/webhook-delivery`, {
          method: "POST",
          headers: {
            authorization: `Bearer ${options.apiKey}`,
            "content-type": "application/json",
            "idempotency-key": `chaos-${n}`,
          },
          body,
          signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
        });
        const answer = (await response.json()) as { delivery?: { id: string } };
        if (response.ok && answer.delivery !== undefined) {
          accepted.push({ id: answer.delivery.id, at: Date.now() });
          return;
        }
        if (response.status !== 503)
          wrongAnswers.push(`${response.status} ${JSON.stringify(answer)}`);
      } catch {
        // Killed, cut off or too slow: whether it was accepted is not known, so it is said again.
      }
      await sleep(AGAIN_AFTER_MS);
    }
  };

  const timer = setInterval(() => {
    const work = post(count++);
    open.add(work);
    void work.finally(() => open.delete(work));
  }, 1000 / options.perSecond);

  return {
    accepted,
    wrongAnswers,
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
    },
  };
}
