/**
 * A name service for one process: these names are this machine, as a line of /etc/hosts would say it.
 * So the vendors' own host names can be delivered to without leaving the machine.
 */
import { fileURLToPath } from "node:url";
import type { Environment } from "./process.ts";

const PRELOAD = fileURLToPath(new URL("./hosts-preload.ts", import.meta.url));

/** To be given to the process. */
export function hostsEnvironment(names: readonly string[]): Environment {
  return { NODE_OPTIONS: `--import=${PRELOAD}`, LOOPBACK_NAMES: names.join(",") };
}
