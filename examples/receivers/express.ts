/** A receiver with Express 5. `WEBHOOK_SECRET=whsec_… PORT=4000 npx tsx express.ts` */
import express, { type ErrorRequestHandler } from "express";
import {
  verify,
  WebhookVerificationError,
  type VerifiedWebhook,
} from "@webhook-delivery/client/verify";

const secret = process.env["WEBHOOK_SECRET"];
if (!secret) throw new Error("WEBHOOK_SECRET is not set");

const REMEMBERED = 10_000;
/** What was begun, by id, newest last. In earnest: a table with a unique id, written with the work. */
const begun = new Map<string, Promise<void>>();

const app = express();

// The signature is over the bytes as they came: no express.json() on this route.
const rawBody = express.raw({ type: "*/*", limit: "1mb" });

app.post("/webhooks", rawBody, async (request, response) => {
  try {
    const body = Buffer.isBuffer(request.body) ? request.body : "";
    await doOnce(await verify(body, request.headers, secret));
    response.sendStatus(204);
  } catch (error) {
    // A secret that cannot be used and work that fails are our own: 500, and the delivery is tried again.
    if (!(error instanceof WebhookVerificationError) || error.code === "invalid_secret")
      throw error;
    response.status(401).json({ error: error.code });
  }
});

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

/** A body that is too large or breaks off has a status of its own and is no fault of ours. */
const answerError: ErrorRequestHandler = (
  error: { status?: number },
  _request,
  response,
  _next,
) => {
  const { status = 500 } = error;
  if (status >= 500) console.error(error);
  response.sendStatus(status);
};
app.use(answerError);

const host = process.env["HOST"] ?? "127.0.0.1";
const server = app.listen(Number(process.env["PORT"] ?? 4000), host, (error) => {
  if (error) throw error;
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  console.log(`listening on http://${host}:${port}/webhooks`);
});
