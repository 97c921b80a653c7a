/** A receiver with Hono. It is a whole Cloudflare Worker, with the secret WEBHOOK_SECRET; hono.ts starts it on Node. */
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import {
  verify,
  WebhookVerificationError,
  type VerifiedWebhook,
} from "@webhook-delivery/client/verify";

interface Bindings {
  readonly WEBHOOK_SECRET?: string;
}

const REMEMBERED = 10_000;
/**
 * What was begun, by id, newest last. In earnest: a table with a unique id, written with the work. On
 * Workers it does not hold: there are many instances, and each is gone at any moment.
 */
const begun = new Map<string, Promise<void>>();

const app = new Hono<{ Bindings: Bindings }>();

const limit = bodyLimit({
  maxSize: 1_000_000,
  onError: (context) => context.json({ error: "body_too_large" }, 413),
});

app.post("/webhooks", limit, async (context) => {
  // The signature is over the bytes as they came: not `context.req.json()`.
  const body = await context.req.arrayBuffer();
  const secret = context.env.WEBHOOK_SECRET ?? "";
  try {
    await doOnce(await verify(body, context.req.raw.headers, secret));
    return context.body(null, 204);
  } catch (error) {
    if (error instanceof WebhookVerificationError && error.code !== "invalid_secret")
      return context.json({ error: error.code }, 401);
    // A secret that cannot be used and work that fails are our own: the delivery is tried again.
    console.error(error);
    return context.json({ error: "failed" }, 500);
  }
});

/** What else can go wrong is an upload that breaks off. */
app.onError((_error, context) => context.json({ error: "unreadable_body" }, 400));

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
 * Your work, before the answer. The sender waits 10 s and then tries again: what takes longer is stored
 * here, and done later.
 */
async function handle({ id, eventType, payload }: VerifiedWebhook): Promise<void> {
  console.log(`handled ${id} ${eventType}`, JSON.stringify(payload));
}

export default app;
