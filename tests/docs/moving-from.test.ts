/** Every call on the pages about moving here is made, as it is printed. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hostsEnvironment } from "@webhook-delivery/shared/testing/hosts.ts";
import { startReceiver, type Receiver } from "@webhook-delivery/shared/testing/receiver.ts";
import { bodyOf, register } from "@webhook-delivery/shared/testing/registry.ts";
import {
  API_KEY,
  startService,
  type TestService,
} from "@webhook-delivery/shared/testing/service.ts";
import { codeBlocks, curlCalls, type CurlCall } from "./code-blocks.ts";

const FOLDER = join(import.meta.dirname, "../../docs/moving-from");
const NAMES = ["example.com", "hooks.zapier.com", "api.kit.com", "graph.facebook.com"];
const pages = (await readdir(FOLDER)).filter((name) => name !== "README.md");

let service: TestService;
let receiver: Receiver;
let variables: Record<string, string>;
beforeAll(async () => {
  [service, receiver] = await Promise.all([
    startService({ backend: "postgres", env: hostsEnvironment(NAMES) }),
    startReceiver(),
  ]);
  variables = { URL: service.api.url, KEY: API_KEY };
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

/** An endpoint and a finished delivery to it, which a page may mean. */
async function setTheScene(): Promise<void> {
  const { apiKey } = bodyOf<{ apiKey: string }>(
    await service.api.post("/clients", { name: "ACME" }),
    201,
  );
  const asClient = { headers: { authorization: `Bearer ${apiKey}` } };
  const { endpoint } = await register(service.api, { url: receiver.hook().url }, asClient);
  const { id } = await service.api.deliver({ endpointId: endpoint.id, payload: {} });
  await service.finished(id);
  variables = { ...variables, CLIENT_KEY: apiKey, ENDPOINT: endpoint.id, DELIVERY: id };
}

describe.each(pages)("%s", (page) => {
  it("prints calls that work", async () => {
    await setTheScene();
    const blocks = await codeBlocks(join(FOLDER, page), "sh");
    const calls = blocks.flatMap((block) => curlCalls(block, variables));
    expect(calls.length).toBeGreaterThan(0);
    for (const call of calls) expect(await make(call), JSON.stringify(call)).toBe("success");
  });
});

it("moves the rows of an old outbox, which are then sent", async () => {
  const { sql } = service.database;
  const hook = receiver.hook();
  const { endpoint } = await register(service.api, { url: hook.url });
  const blocks = await codeBlocks(join(FOLDER, "real-time-outbox.md"), "sql");
  const [insertOld = "", insertNew = "", move = ""] = blocks.map((block) =>
    block.replaceAll(":endpoint_id", `'${endpoint.id}'`),
  );
  await sql`
    create table outbox (to_phone text, message_type text, payload jsonb,
      status text not null default 'queued', created_at timestamptz not null default now())`;
  const connection = await sql.reserve();
  for (const block of [insertOld, move, insertNew]) await connection.unsafe(block);
  connection.release();
  const arrivals = await hook.waitFor(2);
  const data = { to: "+628123456789", type: "text", text: "Halo" };
  for (const { body } of arrivals) expect(JSON.parse(body)).toMatchObject({ data });
  expect(await sql`select * from outbox`).toEqual([]);
  const [event] = await sql`select data from webhook_events where type = 'order.paid'`;
  expect(event).toEqual({ data: { orderId: 4711 } });
});

async function make({ method, path, headers, body }: CurlCall): Promise<string> {
  const { "content-type": contentType, ...others } = headers;
  const options = { headers: others, ...(contentType !== undefined && { contentType }) };
  const answer = await service.api.send(method, path, body, options);
  return answer.status < 400 ? answer.body.status : answer.text;
}
