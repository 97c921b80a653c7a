/** `pnpm client:types`: the types of packages/client, from the document that ingest publishes. */
import { writeFile } from "node:fs/promises";
import { spawnProgram } from "@webhook-delivery/shared/testing/process.ts";
import { renderTypes } from "../packages/client/scripts/render-types.ts";

const KEY = "only-to-read-the-document";
const NOBODY_LISTENS = "127.0.0.1:1";

export const TYPES_FILE = new URL("../packages/client/src/openapi.ts", import.meta.url);

/** Of a real ingest process, which publishes it also without a database. */
export async function readTypes(): Promise<string> {
  await using ingest = await spawnProgram("ingest", {
    NODE_ENV: "production",
    DATABASE_URL: `postgres://${NOBODY_LISTENS}/none`,
    REDIS_URL: `redis://${NOBODY_LISTENS}`,
    API_KEYS: KEY,
    ENCRYPTION_KEY: Buffer.alloc(32).toString("base64"),
    HOST: "127.0.0.1",
    PORT: "0",
  });
  const { address } = await ingest.waitForEvent("ingest.started");
  const answer = await fetch(`${String(address)}/openapi.json`, { headers: { "x-api-key": KEY } });
  return renderTypes((await answer.json()) as object);
}

if (import.meta.main) await writeFile(TYPES_FILE, await readTypes());
