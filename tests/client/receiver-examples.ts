/** The programs of examples/receivers, and what a sender would send them. */
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sign } from "@webhook-delivery/shared/core/signing.ts";

interface Program {
  readonly command: string;
  readonly args: readonly string[];
}

export const RECEIVERS = fileURLToPath(new URL("../../examples/receivers", import.meta.url));

export const NEXTJS_SERVER = fileURLToPath(new URL("nextjs-server.ts", import.meta.url));

function typescript(...args: readonly string[]): Program {
  return { command: process.execPath, args: ["--import", "tsx", ...args] };
}

/** By the folder that they are in: a test may have a copy of its own. */
export const EXAMPLES: readonly [string, (folder: string) => Program][] = [
  ["Express", (folder) => typescript(join(folder, "express.ts"))],
  ["Fastify", (folder) => typescript(join(folder, "fastify.ts"))],
  ["Hono", (folder) => typescript(join(folder, "hono.ts"))],
  ["Next.js", (folder) => typescript(NEXTJS_SERVER, join(folder, "nextjs-route.ts"))],
  ["Python", (folder) => ({ command: "python3", args: [join(folder, "receiver.py")] })],
];

export function isInstalled(command: string): boolean {
  return spawnSync(command, ["--version"]).status === 0;
}

/** What the service would send now, or at another time. */
export function signed(secret: string, body: string, secondsAgo = 0) {
  const id = randomUUID();
  const timestamp = Math.floor(Date.now() / 1_000) - secondsAgo;
  const { standard = "", plain = "" } = sign({ id, timestamp, body }, [secret]) ?? {};
  return {
    standard: {
      "webhook-id": id,
      "webhook-timestamp": String(timestamp),
      "webhook-signature": standard,
    },
    plain: { "x-webhook-signature": plain, "x-webhook-timestamp": String(timestamp) },
  };
}

/** The status of the answer. */
export async function post(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
  await answer.arrayBuffer();
  return answer.status;
}
