/** Circuits that open because so much waits for their destination, or close because little does. */
import { withBacklog } from "@webhook-delivery/shared/core/circuit.ts";
import { inTransaction, type Sql } from "@webhook-delivery/shared/db/client.ts";
import { lockDestinations, saveDestinations } from "@webhook-delivery/shared/db/destinations.ts";
import { revokeLeases } from "@webhook-delivery/shared/db/leases.ts";
import type { Judged } from "./demands.ts";
import { logTransition, type TransitionDeps } from "./destination-health.ts";

/** True: there were some. What was judged by their old states is void then. */
export async function saveTransitions(
  deps: TransitionDeps & { readonly sql: Sql },
  judged: readonly Judged[],
): Promise<boolean> {
  const candidates = judged.filter(({ demand: { quota }, destination }) => {
    return quota.circuit !== undefined && quota.circuit.state !== destination.state;
  });
  if (candidates.length === 0) return false;
  const transitions = await inTransaction(deps.sql, async (tx) => {
    const keys = candidates.map(({ demand }) => demand.destination);
    const { known, nowMs } = await lockDestinations(tx, keys);
    // Judged anew under their lock: an attempt may have said something since.
    const changed = candidates.flatMap(({ demand, destination }) => {
      const was = known.get(demand.destination);
      if (was === undefined) return [];
      const { endpointId } = destination;
      const clientId = endpointId === null ? null : demand.clientId;
      const waiting = destination.waiting + demand.outstanding;
      const circuit = withBacklog(was.circuit, waiting, nowMs);
      return circuit === was.circuit
        ? []
        : [{ ...was, circuit, endpointId, clientId, was, waiting }];
    });
    await saveDestinations(tx, changed);
    await revokeLeases(
      tx,
      changed.filter(({ circuit }) => circuit.state === "open").map(({ key }) => key),
    );
    return changed;
  });
  for (const { was, circuit, waiting } of transitions)
    logTransition(deps, was, circuit, { waiting });
  return transitions.length > 0;
}
