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
/** Ids of what was taken, newest last. In earnest: a table with a unique id, written before the answer. */
const taken = new Set<string>();

const app = fastify();

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
    let webhook: VerifiedWebhook;
    try {
      webhook = await verify(request.body ?? "", request.headers, secret);
    } catch (error) {
      // A secret that cannot be used is our own fault: 500, and the delivery is tried again.
      if (!(error instanceof WebhookVerificationError) || error.code === "invalid_secret")
        throw error;
      return reply.code(401).send({ error: error.code });
    }
    if (isNew(webhook.id)) setImmediate(handle, webhook);
    return reply.code(204).send();
  });
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

const port = Number(process.env["PORT"] ?? 4000);
const address = await app.listen({ host: "127.0.0.1", port });
console.log(`listening on ${address}/webhooks`);
