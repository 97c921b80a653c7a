/** A secret is readable nowhere: not in the queue, the database, a log line or an answer. */
import { expect, test } from "vitest";
import {
  deliveryTo,
  plainSecret,
  standardSecret,
} from "@webhook-delivery/shared/testing/factories.ts";
import { startReceiver } from "@webhook-delivery/shared/testing/receiver.ts";
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
    const deliveries = await Promise.all(bodies.map((body) => service.api.deliver(body)));
    for (const webhookSecret of ["whsec_wrong-secret!", "x"]) {
      await service.api.post("/webhook-delivery", { ...bodies[0], webhookSecret });
    }
    // Now, while the jobs wait, and again while and after they run.
    const tables = await dumpTables(service);
    const queue = (await service.redis?.dump()) ?? tables;
    expect(queue).toContain(deliveries[0]?.id);
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
    const encryptionKey = service.env["ENCRYPTION_KEY"] ?? "?";
    for (const text of [encryptionKey, API_KEY, "token-in-the-url", "wrong-secret"]) {
      expect(said).not.toContain(text);
    }
    const logged = [service.ingest, ...service.workers].map(({ output }) => output).join("\n");
    expect(logged).not.toContain("the-payload");
  },
);
