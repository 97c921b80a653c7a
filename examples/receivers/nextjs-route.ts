/** A receiver as a Next.js App Router handler, on either runtime: `app/api/webhooks/route.ts`. */
import {
  verify,
  WebhookVerificationError,
  type VerifiedWebhook,
} from "@webhook-delivery/client/verify";

const REMEMBERED = 10_000;
/**
 * Ids of what was done, newest last, of this instance alone. In earnest: a table with a unique id, which
 * all instances share.
 */
const done = new Set<string>();

export async function POST(request: Request): Promise<Response> {
  let webhook: VerifiedWebhook;
  try {
    // The signature is over the bytes as they came: not `request.json()`.
    const body = await request.arrayBuffer();
    webhook = await verify(body, request.headers, process.env["WEBHOOK_SECRET"] ?? "");
  } catch (error) {
    // A secret that is missing is our own fault: 500, and the delivery is tried again.
    if (!(error instanceof WebhookVerificationError) || error.code === "invalid_secret")
      throw error;
    return Response.json({ error: error.code }, { status: 401 });
  }
  // The same delivery may come twice: when our answer was lost, or when it is replayed.
  if (!done.has(webhook.id)) {
    await handle(webhook);
    remember(webhook.id);
  }
  return new Response(null, { status: 204 });
}

/**
 * Your work, or better: a row for it. A function may be frozen once it has answered, so what must not be
 * lost is done before; for the rest there is `after` from `next/server`.
 */
async function handle({ id, eventType, payload }: VerifiedWebhook): Promise<void> {
  console.log(`handled ${id} ${eventType}`, JSON.stringify(payload));
}

function remember(id: string): void {
  done.add(id);
  const [oldest] = done;
  if (done.size > REMEMBERED && oldest !== undefined) done.delete(oldest);
}
