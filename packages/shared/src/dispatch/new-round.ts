/** New rounds of attempts for finished deliveries: by hand, or by a replay. */
import { inTransaction, type Queryable } from "../db/client.ts";
import { startNewRounds, type Delivery } from "../db/deliveries.ts";
import { takeOrderNumbers } from "../db/order.ts";
import { moveLinesOn, type LineDeps } from "./lines.ts";

type Finished = Pick<Delivery, "id" | "endpointId">;

/** Undefined: it is pending or in flight. */
export async function startRoundByHand(
  deps: LineDeps,
  delivery: Finished,
): Promise<Delivery | undefined> {
  const [started] = await inTransaction(deps.sql, (tx) => startRounds(tx, [delivery]));
  if (started === undefined) return undefined;
  await moveLinesOn(deps, started.endpointId === null ? [] : [started.endpointId]);
  return started;
}

/** Deliveries to ordered endpoints join the end of their lines, in the order given. */
export async function startRounds(
  tx: Queryable,
  deliveries: readonly Finished[],
): Promise<Delivery[]> {
  const endpointIds = deliveries.flatMap(({ endpointId }) => endpointId ?? []);
  const numbers = endpointIds.length === 0 ? [] : await takeOrderNumbers(tx, endpointIds);
  let next = 0;
  const rounds = deliveries.map(({ id, endpointId }) => {
    const orderNo = endpointId === null ? null : (numbers[next++] ?? null);
    return { id, orderNo };
  });
  return startNewRounds(tx, rounds);
}
