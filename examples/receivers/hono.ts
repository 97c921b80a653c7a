/**
 * A receiver with Hono, here on Node. On Cloudflare Workers, Deno or Bun: `export default app` instead of
 * `serve`, and the secret from there. `WEBHOOK_SECRET=whsec_… PORT=4000 npx tsx hono.ts`
 */
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import {
  verify,
  WebhookVerificationError,
  type VerifiedWebhook,
} from "@webhook-delivery/client/verify";

const secret = process.env["WEBHOOK_SECRET"];
if (!secret) throw new Error("WEBHOOK_SECRET is not set");

const REMEMBERED = 10_000;
/** Ids of what was taken, newest last. In earnest: a table with a unique id, written before the answer. */
const taken = new Set<string>();

const app = new Hono();

app.post("/webhooks", bodyLimit({ maxSize: 1_000_000 }), async (context) => {
  let webhook: VerifiedWebhook;
  try {
    // The signature is over the bytes as they came: not `context.req.json()`.
    const body = await context.req.arrayBuffer();
    webhook = await verify(body, context.req.raw.headers, secret);
  } catch (error) {
    // A secret that cannot be used is our own fault: 500, and the delivery is tried again.
    if (!(error instanceof WebhookVerificationError) || error.code === "invalid_secret")
      throw error;
    return context.json({ error: error.code }, 401);
  }
  // On Workers: `context.executionCtx.waitUntil(…)`, or it ends with the answer.
  if (isNew(webhook.id)) setTimeout(handle, 0, webhook);
  return context.body(null, 204);
});

/** The same delivery may come twice: when our answer was lost, or when it is replayed. */
function isNew(id: string): boolean {
  if (taken.has(id)) return false;
  taken.add(id);
  const [oldest] = taken;
  if (taken.size > REMEMBERED && oldest !== undefined) taken.delete(oldest);
  return true;
}

/** Your work. It is done after the answer, so that the sender need not wait for it. */
function handle({ id, eventType, payload }: VerifiedWebhook): void {
  console.log(`handled ${id} ${eventType}`, JSON.stringify(payload));
}

serve({ fetch: app.fetch, port: Number(process.env["PORT"] ?? 4000) }, ({ port }) => {
  console.log(`listening on http://127.0.0.1:${port}/webhooks`);
});
