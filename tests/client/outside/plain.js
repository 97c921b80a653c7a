/** Plain JavaScript in a project outside of the workspace: delivers, is refused, verifies. */
import { createClient, verify as all, WebhookDeliveryError } from "@webhook-delivery/client";
import { verify } from "@webhook-delivery/client/verify";

const client = createClient({ url: process.argv[2], apiKey: "key" });
const { id } = await client.deliver({ webhookUrl: "https://example.com/", payload: 1 });
const error = await client.deliveries.get(id).catch((reason) => reason);
const headers = {
  "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
  "webhook-timestamp": "1614265330",
  "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
};
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const options = { now: new Date(1614265330000) };
const { payload } = await verify('{"test": 2432232314}', headers, secret, options);
const refused = await verify("{}", headers, secret, options).catch((reason) => reason.code);
const isError = error instanceof WebhookDeliveryError && all === verify;
console.log(JSON.stringify({ id, isError, code: error.code, payload, refused }));
