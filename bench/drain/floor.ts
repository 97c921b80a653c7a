/**
 * The floor: what one process of this machine can post with a signature, without a queue or a database.
 * Posts `count` times to `url`, `concurrency` at once, and prints how many a second.
 */
import { createHmac, randomUUID } from "node:crypto";
import { Pool } from "undici";

const [url = "", count = "0", concurrency = "0"] = process.argv.slice(2);
const { origin, pathname } = new URL(url);
const pool = new Pool(origin, { connections: Number(concurrency) });
const body = JSON.stringify({ email: "ada@example.com", name: "Ada", note: "x".repeat(300) });
let left = Number(count);

async function post(): Promise<void> {
  while (left-- > 0) {
    const id = randomUUID();
    const at = Math.floor(Date.now() / 1_000);
    const signature = createHmac("sha256", "secret").update(`${id}.${at}.${body}`).digest("base64");
    const response = await pool.request({
      path: pathname,
      method: "POST",
      headers: {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": String(at),
        "webhook-signature": `v1,${signature}`,
      },
      body,
    });
    await response.body.dump();
  }
}

const startedAt = performance.now();
await Promise.all(Array.from({ length: Number(concurrency) }, post));
console.log(Math.round(Number(count) / ((performance.now() - startedAt) / 1_000)));
await pool.close();
