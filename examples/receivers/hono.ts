/** The receiver of hono-app.ts on Node. `WEBHOOK_SECRET=whsec_… PORT=4000 npx tsx hono.ts` */
import { serve } from "@hono/node-server";
import app from "./hono-app.ts";

const secret = process.env["WEBHOOK_SECRET"];
if (!secret) throw new Error("WEBHOOK_SECRET is not set");

const hostname = process.env["HOST"] ?? "127.0.0.1";
const port = Number(process.env["PORT"] ?? 4000);
const fetch = (request: Request) => app.fetch(request, { WEBHOOK_SECRET: secret });
serve({ fetch, hostname, port }, (address) => {
  console.log(`listening on http://${hostname}:${address.port}/webhooks`);
});
