/**
 * The time between "stop" and closing: requests are still served, each answer says `connection: close`,
 * and `/readyz` says no, so that routers go elsewhere and clients let their connections go by themselves.
 * A kept-alive connection that is closed from here can meet a request that is already on its way.
 */
import type { Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

/** A router hears of it in this time, though nobody is connected now. */
const LEAST_MS = 1_000;
/** A connection that was not used for so long is unlikely to be used just when it is closed. */
const MOST_MS = 5_000;
const LOOK_EVERY_MS = 50;

/** Resolves when nobody is connected any more, within a second and five. */
export async function drain(server: Server): Promise<void> {
  const countConnections = promisify(server.getConnections.bind(server));
  const endsAt = performance.now() + MOST_MS;
  await sleep(LEAST_MS);
  while (performance.now() < endsAt && (await countConnections()) > 0) await sleep(LOOK_EVERY_MS);
}
