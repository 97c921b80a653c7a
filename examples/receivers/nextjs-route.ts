/** A receiver as a Next.js App Router handler, on either runtime: `app/api/webhooks/route.ts`. */
import {
  verify,
  WebhookVerificationError,
  type VerifiedWebhook,
} from "@webhook-delivery/client/verify";

const MAX_BODY_BYTES = 1_000_000;
const REMEMBERED = 10_000;
/**
 * What was begun, by id, newest last, in this instance alone. In earnest: a table with a unique id, which
 * all instances share, written with the work.
 */
const begun = new Map<string, Promise<void>>();

export async function POST(request: Request): Promise<Response> {
  try {
    // The signature is over the bytes as they came: not `request.json()`.
    const body = await readBody(request);
    if (body === undefined) return Response.json({ error: "body_too_large" }, { status: 413 });
    await doOnce(await verify(body, request.headers, process.env["WEBHOOK_SECRET"] ?? ""));
    return new Response(null, { status: 204 });
  } catch (error) {
    // A secret that is missing and work that fails are our own: 500, and the delivery is tried again.
    if (!(error instanceof WebhookVerificationError) || error.code === "invalid_secret")
      throw error;
    return Response.json({ error: error.code }, { status: 401 });
  }
}

/** Undefined when it is too large; no more than that is read of it. */
async function readBody({ headers, body }: Request): Promise<ArrayBuffer | undefined> {
  if (Number(headers.get("content-length")) > MAX_BODY_BYTES) return undefined;
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const reader = body?.getReader();
  for (let size = 0; ;) {
    const { value } = (await reader?.read()) ?? {};
    if (value === undefined) return new Blob(chunks).arrayBuffer();
    size += value.length;
    if (size > MAX_BODY_BYTES) {
      await reader?.cancel();
      return undefined;
    }
    chunks.push(value);
  }
}

/** The same delivery may come twice, also while it is being worked on: both have the same outcome. */
async function doOnce(webhook: VerifiedWebhook): Promise<void> {
  const known = begun.get(webhook.id);
  if (known !== undefined) return known;
  const work = handle(webhook);
  begun.set(webhook.id, work);
  const [oldest] = begun.keys();
  if (begun.size > REMEMBERED && oldest !== undefined) begun.delete(oldest);
  try {
    await work;
  } catch (error) {
    begun.delete(webhook.id);
    throw error;
  }
}

/**
 * Your work, before the answer: a function may be frozen once it has answered. The sender waits 10 s and
 * then tries again: what takes longer is stored here, and done later.
 */
async function handle({ id, eventType, payload }: VerifiedWebhook): Promise<void> {
  console.log(`handled ${id} ${eventType}`, JSON.stringify(payload));
}
