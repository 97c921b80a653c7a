/**
 * What the rows of one take need to know of clients and endpoints, each asked once: others wait while it
 * is asked. A take is short, so what changes meanwhile might as well have changed after it.
 */
import type { Queryable } from "../db/client.ts";
import { findClient } from "../db/clients.ts";
import {
  findSubscribers,
  findTargets,
  type EndpointTarget,
  type SubscribedTo,
} from "../db/endpoint-targets.ts";
import type { WaitingMessage } from "../db/outbox.ts";

export interface Lookups {
  /** Of a row that names an endpoint; undefined: it is not there, or not the row's client's. */
  readonly targetOf: (message: WaitingMessage) => EndpointTarget | undefined;
  readonly subscribersTo: (event: SubscribedTo) => Promise<readonly EndpointTarget[]>;
  readonly isClient: (clientId: string) => Promise<boolean>;
}

export async function lookUpFor(
  tx: Queryable,
  messages: readonly WaitingMessage[],
): Promise<Lookups> {
  const ids = [...new Set(messages.flatMap(({ endpointId }) => endpointId ?? []))];
  const found = ids.length === 0 ? [] : await findTargets(tx, ids);
  const targets = new Map(found.map((target) => [target.id, target]));
  return {
    targetOf({ endpointId, clientId }) {
      const target = targets.get(endpointId ?? "");
      const isAnyones = clientId === null || target?.clientId === clientId;
      return isAnyones ? target : undefined;
    },
    subscribersTo: once(
      (event: SubscribedTo) => findSubscribers(tx, event),
      ({ clientId, type, source }) => JSON.stringify([clientId, type, source]),
    ),
    isClient: once(
      async (clientId: string) => (await findClient(tx, clientId)) !== undefined,
      (clientId) => clientId,
    ),
  };
}

function once<Of, Found>(
  look: (of: Of) => Promise<Found>,
  keyOf: (of: Of) => string,
): (of: Of) => Promise<Found> {
  const known = new Map<string, Promise<Found>>();
  return async (of) => {
    const key = keyOf(of);
    const found = known.get(key) ?? look(of);
    known.set(key, found);
    return found;
  };
}
