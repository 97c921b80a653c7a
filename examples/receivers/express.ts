/** A receiver with Express 5. `WEBHOOK_SECRET=whsec_… PORT=4000 npx tsx express.ts` */
import type { AddressInfo } from "node:net";
import express from "express";
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

const app = express();

// The signature is over the bytes as they came: no express.json() on this route.
const rawBody = express.raw({ type: "*/*", limit: "1mb" });

app.post("/webhooks", rawBody, async (request, response) => {
  let webhook: VerifiedWebhook;
  try {
    const body = Buffer.isBuffer(request.body) ? request.body : "";
    webhook = await verify(body, request.headers, secret);
  } catch (error) {
    // A secret that cannot be used is our own fault: 500, and the delivery is tried again.
    if (!(error instanceof WebhookVerificationError) || error.code === "invalid_secret")
      throw error;
    response.status(401).json({ error: error.code });
    return;
  }
  if (isNew(webhook.id)) setImmediate(handle, webhook);
  response.sendStatus(204);
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

const server = app.listen(Number(process.env["PORT"] ?? 4000), () => {
  const { port } = server.address() as AddressInfo;
  console.log(`listening on http://127.0.0.1:${port}/webhooks`);
});
