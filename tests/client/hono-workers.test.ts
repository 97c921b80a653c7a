/** examples/receivers/hono-app.ts as Cloudflare Workers calls it: a request and the bindings. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { standardSecret } from "@webhook-delivery/shared/testing/factories.ts";
import app from "../../examples/receivers/hono-app.ts";
import { RECEIVERS, signed } from "./receiver-examples.ts";

const SECRET = standardSecret();
const BODY = '{"amount":1}';

async function answerTo(headers: Record<string, string>, env: object): Promise<number> {
  const request = new Request("https://example.com/webhooks", {
    method: "POST",
    headers,
    body: BODY,
  });
  return (await app.fetch(request, env)).status;
}

test("takes what is signed with the binding's secret, and nothing else", async () => {
  const { standard, plain } = signed(SECRET, BODY);
  expect(await answerTo(standard, { WEBHOOK_SECRET: SECRET })).toBe(204);
  expect(await answerTo(plain, { WEBHOOK_SECRET: SECRET })).toBe(204);
  expect(await answerTo(standard, { WEBHOOK_SECRET: standardSecret() })).toBe(401);
  expect(await answerTo({}, { WEBHOOK_SECRET: SECRET })).toBe(401);
});

test("says 500 where the secret is not bound, so that it is tried again", async () => {
  const complain = vi.spyOn(console, "error").mockReturnValue();
  expect(await answerTo(signed(SECRET, BODY).standard, {})).toBe(500);
  expect(complain).toHaveBeenCalledOnce();
  complain.mockRestore();
});

test("has nothing of Node in it", async () => {
  const text = await readFile(join(RECEIVERS, "hono-app.ts"), "utf8");
  expect(text).not.toMatch(/node:|node-server|\bprocess\b|\bBuffer\b/);
});
