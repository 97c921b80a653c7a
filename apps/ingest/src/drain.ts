/**
 * The time between "stop" and closing: requests are still served, each answer says `connection: close`,
 * and `/readyz` says no, so that routers go elsewhere and clients let their connections go by themselves.
 * A kept-alive connection that is closed from here can meet a request that is already on its way.
 */
import { Server as NetServer } from "node:net";
import type { Server } from "node:http";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

/** A router hears of it in this time, though nobody is connected now. */
const LEAST_MS = 1_000;
/** A connection that was not used for so long is unlikely to be used just when it is closed. */
const MOST_MS = 5_000;
const LOOK_EVERY_MS = 50;

/** Resolves when nobody is connected any more, within a second and five; nobody new gets in by then. */
export async function drain(server: Server): Promise<void> {
  const endsAt = performance.now() + MOST_MS;
  await sleep(LEAST_MS);
  await stopListening(server);
  const countConnections = promisify(server.getConnections.bind(server));
  while (performance.now() < endsAt && (await countConnections()) > 0) await sleep(LOOK_EVERY_MS);
}

/** A turn of the event loop that takes less had nothing to accept. */
const IDLE_TURN_MS = 0.1;
const MOST_TURNS = 2_000;

/**
 * Closes the listener and nothing else. Connections that the system has accepted and this process has
 * not would be reset by that, so it is done in a moment in which there are none.
 */
async function stopListening(server: Server): Promise<void> {
  for (let turn = 0; turn < MOST_TURNS; turn++) {
    const startedAt = performance.now();
    await nextTurn();
    if (performance.now() - startedAt < IDLE_TURN_MS) break;
  }
  // http.Server's own close() would end the idle connections as well.
  NetServer.prototype.close.call(server);
}
