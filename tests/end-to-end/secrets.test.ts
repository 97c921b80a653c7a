/** A secret is readable nowhere: not in the queue, the database, a log line or an answer. */
import { destinationKey } from "@webhook-delivery/shared/core/permit.ts";
import { readQueuePrefix } from "@webhook-delivery/shared/db/installation.ts";
import { createProducer } from "@webhook-delivery/shared/dispatch/producers.ts";
import type { QueuedPermit } from "@webhook-delivery/shared/queue/queue.ts";
import { queueLocation } from "@webhook-delivery/shared/queue/location.ts";
import { expect, test } from "vitest";
import {
  deliveryTo,
  plainSecret,
  standardSecret,
} from "@webhook-delivery/shared/testing/factories.ts";
import { startReceiver, type Hook } from "@webhook-delivery/shared/testing/receiver.ts";
import { bodyOf, register } from "@webhook-delivery/shared/testing/registry.ts";
import {
  API_KEY,
  BACKENDS,
  startService,
  type TestService,
} from "@webhook-delivery/shared/testing/service.ts";

/** Every row of every table, the queue's as well, as JSON. */
async function dumpTables({ database: { sql } }: TestService): Promise<string> {
  const tables = await sql<{ name: string }[]>`
    select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema')`;
  const texts = await Promise.all(
    tables.map(({ name }) => sql.unsafe(`select row_to_json(t)::text as row from ${name} t`)),
  );
  return texts
    .flat()
    .map((line) => String(line["row"]))
    .join("\n");
}

/** As it is, and as bytea, base64 and JSON would show it. */
function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret, "utf8");
  const decoded = Buffer.from(secret.replace("whsec_", ""), "base64");
  return [secret, bytes.toString("hex"), bytes.toString("base64"), decoded.toString("hex")];
}

/**
 * Endpoints that are registered, changed, rotated, tested, delivered to and shown; a client and its key.
 * What they use that is secret, and how often the API may say it.
 */
async function useEndpoints({ api }: TestService, hook: Hook) {
  const header = plainSecret();
  const given = standardSecret();
  const settings = { url: hook.url, secret: given, headers: { authorization: `Bearer ${header}` } };
  const first = await register(api, settings);
  const generated = await register(api, { url: hook.url });
  const rotated = bodyOf<{ secret: string }>(
    await api.post(`/endpoints/${generated.endpoint.id}/rotate-secret`, {}),
    200,
  );
  const changed = plainSecret();
  await api.send("PATCH", `/endpoints/${first.endpoint.id}`, { secret: changed });
  await api.post("/endpoints", { ...settings, headers: { host: header } });
  const { apiKey } = bodyOf<{ apiKey: string }>(await api.post("/clients", { name: "c" }), 201);
  for (const { endpoint } of [first, generated]) {
    await api.deliver({ endpointId: endpoint.id, payload: "to an endpoint" });
    for (const path of ["", "/deliveries", "/stats"])
      await api.get(`/endpoints/${endpoint.id}${path}`);
  }
  await api.get("/endpoints");
  return [
    { secret: header, timesSaid: 0 },
    // In the answer to its registration.
    { secret: given, timesSaid: 1 },
    { secret: changed, timesSaid: 0 },
    { secret: generated.secret, timesSaid: 1 },
    { secret: rotated.secret, timesSaid: 1 },
    { secret: apiKey, timesSaid: 1 },
  ];
}

/** Of all deliveries, as a scheduler queues them; without a lease they mean nothing. */
async function queuePermits({ env, database: { sql } }: TestService): Promise<void> {
  const rows = await sql<{ id: string; destination: string }[]>`
    select id, destination from webhook_deliveries`;
  const permits = rows.map(({ id, destination }): QueuedPermit => {
    return {
      deliveryId: id,
      destinationKey: destinationKey(destination),
      kind: "normal",
      delayMs: 0,
    };
  });
  const location = queueLocation({ REDIS_URL: env["REDIS_URL"] ?? null }, () =>
    readQueuePrefix(sql),
  );
  const producer = createProducer({ location, sql, onError: () => undefined });
  await producer.enqueue(permits);
  await producer.close();
}

test.concurrent.each(BACKENDS)(
  "with the queue in %s no secret, key or payload is found where it does not belong",

  async (backend) => {
    await using receiver = await startReceiver();
    const env = { LOG_LEVEL: "trace", RETRY_SCHEDULE_SECONDS: "0.2,0.2,0.2" };
    await using service = await startService({ backend, workers: 0, env });
    const secrets = [plainSecret(), standardSecret()];
    const [good, bad, refused] = [receiver.hook(), receiver.hook(500), receiver.hook(404)];
    const urls = [good, bad, refused].map(({ url }) => ({ url: `${url}?token=token-in-the-url` }));
    const bodies = urls.flatMap((target) =>
      secrets.map((webhookSecret) => deliveryTo(target, { webhookSecret, payload: "the-payload" })),
    );
    const { api } = service;
    const deliveries = await Promise.all(bodies.map((body) => api.deliver(body)));
    const shownOnce = await useEndpoints(service, good);
    for (const webhookSecret of ["whsec_wrong-secret!", "x"]) {
      await service.api.post("/webhook-delivery", { ...bodies[0], webhookSecret });
    }
    // Now, while permits wait, and again while and after they run.
    await queuePermits(service);
    const tables = await dumpTables(service);
    const queue = (await service.redis?.dump()) ?? tables;
    expect(deliveries.filter(({ id }) => !queue.includes(id))).toEqual([]);
    const dumps: (string | undefined)[] = [queue, tables];
    await service.startWorker();
    await service.attempted(deliveries[2]?.id ?? "", 1);
    dumps.push(await service.redis?.dump(), await dumpTables(service));
    await Promise.all(deliveries.map(({ id }) => service.finished(id)));
    await Promise.all(deliveries.map(({ id }) => service.api.read(id)));
    await service.api.get("/webhook-delivery");
    await service.api.get("/webhook-delivery/stats");
    await Promise.all([service.ingest.stop(), ...service.workers.map((worker) => worker.stop())]);
    dumps.push(await service.redis?.dump(), await dumpTables(service));

    const stored = dumps.join("\n");
    const said = service.everythingSaid();
    expect(stored).toContain(deliveries[0]?.id);
    expect(said).toContain(deliveries[0]?.id);
    for (const spelling of secrets.flatMap(spellings)) {
      expect(stored).not.toContain(spelling);
      expect(said).not.toContain(spelling);
    }
    for (const { secret, timesSaid } of shownOnce) {
      for (const spelling of spellings(secret)) expect(stored).not.toContain(spelling);
      expect(said.split(secret)).toHaveLength(timesSaid + 1);
    }
    const encryptionKey = service.env["ENCRYPTION_KEY"] ?? "?";
    for (const text of [encryptionKey, API_KEY, "token-in-the-url", "wrong-secret"]) {
      expect(said).not.toContain(text);
    }
    const logged = [service.ingest, ...service.workers].map(({ output }) => output).join("\n");
    expect(logged).not.toContain("the-payload");
  },
);
