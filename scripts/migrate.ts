/** `pnpm migrate`: brings the database up to date. */
import { loadConfig } from "@webhook-delivery/shared/config.ts";
import { connectDatabase } from "@webhook-delivery/shared/db/client.ts";
import { migrate } from "@webhook-delivery/shared/db/migrate.ts";
import { MIGRATIONS_FOLDER } from "@webhook-delivery/shared/paths.ts";
import { runMain } from "@webhook-delivery/shared/process.ts";

await runMain(async () => {
  const config = loadConfig(process.env, "migrate");
  const sql = connectDatabase({
    url: config.DATABASE_URL,
    applicationName: "webhook-delivery migrate",
    maxConnections: 1,
    // Also through a pooler: it is not worth finding out.
    prepares: false,
  });
  const applied = await migrate(sql, MIGRATIONS_FOLDER);
  for (const name of applied) console.log(`applied ${name}`);
  console.log(applied.length === 0 ? "nothing to do" : "done");
  await sql.end();
});
