/** `pnpm secrets:rotate`: seals every stored secret with the first key of ENCRYPTION_KEY. */
import { loadConfig } from "@webhook-delivery/shared/config.ts";
import { connectDatabase } from "@webhook-delivery/shared/db/client.ts";
import { rotateSecrets } from "@webhook-delivery/shared/dispatch/rotate-secrets.ts";
import { runMain } from "@webhook-delivery/shared/process.ts";

await runMain(async () => {
  // What a worker needs: the database and the keys.
  const config = loadConfig(process.env, "worker");
  const sql = connectDatabase({
    url: config.DATABASE_URL,
    applicationName: "webhook-delivery secrets:rotate",
    maxConnections: 1,
  });
  const { resealed, unreadable } = await rotateSecrets(sql, config.ENCRYPTION_KEY);
  await sql.end();
  console.log(`${resealed} secrets are sealed with the first key now`);
  if (unreadable.length === 0) return;
  for (const place of unreadable) console.error(`no key of ENCRYPTION_KEY opens ${place}`);
  throw new Error(`${unreadable.length} secrets could not be opened; keep the keys that they need`);
});
