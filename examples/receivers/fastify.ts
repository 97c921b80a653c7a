/** A receiver with Fastify 5. `WEBHOOK_SECRET=whsec_… PORT=4000 npx tsx fastify.ts` */
import { fastify } from "fastify";
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

const app = fastify({ bodyLimit: 1_000_000 });

// A scope of its own: the other routes keep their JSON parser.
await app.register(async (webhooks) => {
  // The signature is over the bytes as they came.
  webhooks.removeAllContentTypeParsers();
  webhooks.addContentTypeParser(
    "*",
    { parseAs: "buffer" },
    async (_request: unknown, body: Buffer) => body,
  );

  webhooks.post<{ Body: Buffer | undefined }>("/webhooks", async (request, reply) => {
    try {
      await doOnce(await verify(request.body ?? "", request.headers, secret));
      return reply.code(204).send();
    } catch (error) {
      if (error instanceof WebhookVerificationError && error.code !== "invalid_secret")
        return reply.code(401).send({ error: error.code });
      // A secret that cannot be used and work that fails are our own: the delivery is tried again.
      console.error(error);
      return reply.code(500).send({ error: "failed" });
    }
  });
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

const host = process.env["HOST"] ?? "127.0.0.1";
const address = await app.listen({ host, port: Number(process.env["PORT"] ?? 4000) });
console.log(`listening on http://${host}:${new URL(address).port}/webhooks`);
