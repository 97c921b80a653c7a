/**
 * `pnpm bench:history [--deliveries 5000000] [--unfinished 20000] [--measure-only] [--only TEXT] [--costs]`:
 * fills the empty, migrated database of DATABASE_URL with a month of history and measures how long the
 * API's reads take; `--costs` measures what triggers and retention cost instead. Exits 1 when one of them takes more than 50 ms. The database is left as it is, to
 * be looked at and dropped. docs/statistics.md holds what came out.
 */
import { parseArgs } from "node:util";
import { connectDatabase } from "@webhook-delivery/shared/db/client.ts";
import { measureRetention, measureTriggers } from "./history/costs.ts";
import { generateHistory } from "./history/generate.ts";
import { BOUND_MS, measureReads } from "./history/measure.ts";

const { values } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: {
    deliveries: { type: "string", default: "5000000" },
    unfinished: { type: "string", default: "20000" },
    "measure-only": { type: "boolean", default: false },
    costs: { type: "boolean", default: false },
    only: { type: "string", default: "" },
  },
});
const url = process.env["DATABASE_URL"];
if (!url) throw new Error("DATABASE_URL must name an empty database with all migrations.");

// Reads are measured one by one; for the writers it is as large as ingest's and a worker's together.
const sql = connectDatabase({
  url,
  applicationName: "bench",
  maxConnections: values.costs ? 10 : 1,
});
try {
  if (values.costs) {
    if (values.only !== "retention") await measureTriggers(sql);
    await measureRetention(sql);
  } else {
    if (!values["measure-only"]) {
      await generateHistory(sql, {
        deliveries: Number(values.deliveries),
        unfinished: Number(values.unfinished),
      });
    }
    const isFast = await measureReads(sql, (what) => what.includes(values.only));
    console.log(isFast ? `Everything within ${BOUND_MS} ms.` : `Marked: more than ${BOUND_MS} ms.`);
    if (!isFast) process.exitCode = 1;
  }
} finally {
  await sql.end();
}
