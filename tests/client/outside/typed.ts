/** What the package's types allow and what they do not; compiled outside of the workspace, never run. */
import {
  createClient,
  verify,
  WebhookDeliveryError,
  WebhookVerificationError,
  type BatchResult,
  type Client,
  type Delivery,
  type Endpoint,
  type NewDelivery,
  type NewEndpoint,
  type NewEvent,
  type VerifiedWebhook,
} from "@webhook-delivery/client";
import { verify as alone } from "@webhook-delivery/client/verify";

const client: Client = createClient({ url: "https://example.com", apiKey: "key" });
const wanted: NewDelivery = { webhookUrl: "https://example.com/", payload: { a: 1 } };
const delivery: Delivery = await client.deliver(wanted, { idempotencyKey: "k" });
const status: "pending" | "sent" | "success" | "failed" | "cancelled" = delivery.status;
const event: NewEvent = { type: "a.b", data: null };
const ids: readonly string[] = (await client.publish(event)).deliveries;
const types = ["a.*"] as const;
const endpoint: NewEndpoint = { url: "https://example.com/", eventTypes: types };
const created: { endpoint: Endpoint; secret: string } = await client.endpoints.create(endpoint);
const source = await client.endpoints.putForSource("s", {});
const perhaps: string | undefined = source.secret;
const results: BatchResult[] = await client.deliverBatch([
  wanted,
  { ...wanted, idempotencyKey: "i" },
]);
for (const result of results) {
  const text: string = result.status === "success" ? result.delivery.id : result.error.code;
  void text;
}
for await (const one of client.deliveries.iterate({ deliveryStatus: "failed" })) void one.lastError;
const verified: VerifiedWebhook = await verify("{}", new Headers(), ["a", "b"]);
await alone(new Uint8Array(), { "webhook-id": ["a"], other: undefined }, "secret");
export async function POST(request: Request): Promise<Response> {
  try {
    await verify(await request.arrayBuffer(), request.headers, "secret", { toleranceSeconds: 60 });
  } catch (error) {
    if (error instanceof WebhookVerificationError) return new Response(error.code, { status: 400 });
    if (error instanceof WebhookDeliveryError) return new Response(error.details[0]?.field);
    throw error;
  }
  return new Response();
}
// @ts-expect-error: no such field
await client.deliver({ webhookURL: "https://example.com/" });
// @ts-expect-error: data is needed
await client.publish({ type: "a.b" });
// @ts-expect-error: no such state
await client.deliveries.list({ deliveryStatus: "lost" });
// @ts-expect-error: a parsed body cannot be verified
await verify({ a: 1 }, {}, "secret");
void [status, ids, created, perhaps, verified];
