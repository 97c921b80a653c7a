/**
 * Takes many deliveries in, each for itself: what is wrong with one refuses that one. Those that need no
 * transaction go side by side and share statements. Those whose order matters (they write a lead, or
 * read one that this batch writes, or wait in an ordered endpoint's line) go in the order given, a
 * group in one transaction.
 *
 * Every item is settled as acceptDelivery would have: accepted means committed. If the process dies
 * halfway some are committed and some are not; the same idempotency keys say which. Once the database
 * is away no more are tried: what was not written is settled with that error.
 */
import { clientScope } from "../core/caller.ts";
import { DomainError } from "../core/errors.ts";
import { inTransaction, isDatabaseAway, type Queryable } from "../db/client.ts";
import { insertDeliveries, type NewDelivery } from "../db/deliveries.ts";
import { takeOrderNumbers } from "../db/order.ts";
import { refuseUnstorable } from "../db/unstorable.ts";
import {
  buildRow,
  findEarlier,
  findWinner,
  resolveDelivery,
  writeDelivery,
  type Accepted,
  type AcceptDeps,
  type DeliveryRequest,
  type Resolved,
} from "./accept-delivery.ts";
import { moveLinesOn } from "./lines.ts";
import { findRequestedTarget, type Target } from "./target.ts";

/** `error`: as acceptDelivery would have thrown it. */
export type Outcome = { readonly accepted: Accepted } | { readonly error: unknown };

export interface BatchItem {
  readonly request: DeliveryRequest;
  /** Called once, or not at all when `signal` ended the batch before. */
  readonly settle: (outcome: Outcome) => void;
}

/** As many as one INSERT takes, so that other requests wait for little more than that. */
const SIDE_BY_SIDE = 100;
/** Rows locked at once; small, so that nobody waits long for a lead or a line. */
const GROUP = 50;

interface Batch {
  readonly deps: AcceptDeps;
  readonly signal: AbortSignal;
  /** The error that said the database is away. */
  outage: { readonly error: unknown } | undefined;
}

/** A delivery that is still to be written. */
interface Task {
  readonly resolved: Resolved;
  readonly settle: BatchItem["settle"];
}

/** Never rejects. What has not begun when `signal` aborts is left as it is. */
export async function acceptBatch(
  deps: AcceptDeps,
  items: readonly BatchItem[],
  signal: AbortSignal,
): Promise<void> {
  const batch: Batch = { deps, signal, outage: undefined };
  const tasks = await resolveItems(batch, items);
  const isInOrder = orderMatters(tasks);
  await Promise.all([
    sideBySide(
      batch,
      tasks.filter((task) => !isInOrder(task)),
      async ({ resolved, settle }) => settle({ accepted: await writeDelivery(deps, resolved) }),
    ),
    writeInOrder(batch, tasks.filter(isInOrder)),
  ]);
}

/** What an earlier request has made already is settled and left out. */
async function resolveItems(batch: Batch, items: readonly BatchItem[]): Promise<Task[]> {
  const findTarget = targetFinder(batch.deps);
  const tasks = new Map<BatchItem, Task>();
  await sideBySide(batch, items, async (item) => {
    const { request, settle } = item;
    const resolved = resolveDelivery(request, await findTarget(request));
    const earlier = await findEarlier(batch.deps, resolved);
    if (earlier === undefined) tasks.set(item, { resolved, settle });
    else settle({ accepted: earlier });
  });
  return items.flatMap((item) => tasks.get(item) ?? []);
}

/** Asks for each endpoint once. */
function targetFinder(deps: AcceptDeps): (request: DeliveryRequest) => Promise<Target> {
  const known = new Map<string, Promise<Target>>();
  return async ({ target, caller }) => {
    const find = () => findRequestedTarget(deps, target, clientScope(caller));
    if (target.kind === "url") return find();
    const found = known.get(target.endpointId) ?? find();
    known.set(target.endpointId, found);
    return found;
  };
}

function orderMatters(tasks: readonly Task[]): (task: Task) => boolean {
  const writtenLeads = new Set(
    tasks.flatMap(({ resolved }) => resolved.request.leadChanges?.leadId ?? []),
  );
  return ({ resolved: { lineOf, request } }) => {
    const { leadChanges, content } = request;
    const readsLead = content.kind === "lead" && writtenLeads.has(content.leadId);
    return lineOf.length > 0 || leadChanges !== null || readsLead;
  };
}

async function sideBySide<T extends Pick<Task, "settle">>(
  batch: Batch,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = items.values();
  const workOff = async (): Promise<void> => {
    for (const item of left) await attempt(batch, item, () => work(item));
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, workOff));
}

async function attempt(
  batch: Batch,
  { settle }: Pick<Task, "settle">,
  work: () => Promise<void>,
): Promise<void> {
  if (batch.signal.aborted) return;
  if (batch.outage !== undefined) return settle(batch.outage);
  try {
    await work();
  } catch (error) {
    if (isDatabaseAway(error)) batch.outage = { error };
    settle({ error });
  }
}

async function writeInOrder(batch: Batch, tasks: readonly Task[]): Promise<void> {
  const { deps } = batch;
  for (let at = 0; at < tasks.length; at += GROUP) {
    const group = tasks.slice(at, at + GROUP);
    const outcomes = await writeTogether(batch, group);
    for (const task of group) {
      const outcome = outcomes?.get(task);
      if (outcome !== undefined) {
        task.settle(outcome);
        continue;
      }
      // One of the group has spoiled it for the others, or this one lost to another request.
      const write = outcomes === undefined ? writeDelivery : findWinner;
      await attempt(batch, task, async () => {
        task.settle({ accepted: await write(deps, task.resolved) });
      });
    }
  }
}

type Outcomes = ReadonlyMap<Task, Outcome>;

/** Undefined: nothing was written. A task without an outcome: another request has its key. */
async function writeTogether(batch: Batch, group: readonly Task[]): Promise<Outcomes | undefined> {
  const { deps, signal } = batch;
  if (batch.outage !== undefined || signal.aborted) return undefined;
  try {
    const outcomes = await refuseUnstorable(() =>
      inTransaction(deps.sql, (tx) => writeGroup(deps, tx, group)),
    );
    await moveLinesOn(deps, [...new Set(group.flatMap(({ resolved }) => resolved.lineOf))]);
    return outcomes;
  } catch (error) {
    if (isDatabaseAway(error)) batch.outage = { error };
    return undefined;
  }
}

async function writeGroup(
  deps: AcceptDeps,
  tx: Queryable,
  group: readonly Task[],
): Promise<Outcomes> {
  const outcomes = new Map<Task, Outcome>();
  const rows = new Map<Task, NewDelivery>();
  const inLine = group.filter(({ resolved }) => resolved.lineOf.length > 0);
  const lines = inLine.flatMap(({ resolved }) => resolved.lineOf);
  const numbers = lines.length === 0 ? [] : await takeOrderNumbers(tx, lines);
  for (const task of inOrderOfLeads(group)) {
    const { resolved } = task;
    const place = inLine.indexOf(task);
    try {
      const orderNo = numbers[place] ?? null;
      rows.set(task, await buildRow(deps, tx, { resolved, orderNo }));
    } catch (error) {
      // Its caller's mistake, which harmed nothing here, unless its lead is written already; its
      // number in the line stays unused.
      if (!(error instanceof DomainError) || resolved.request.leadChanges !== null) throw error;
      outcomes.set(task, { error });
    }
  }
  const written = group.filter((task) => rows.has(task));
  const inserted = await insertDeliveries(
    tx,
    written.flatMap((task) => rows.get(task) ?? []),
  );
  for (const [at, task] of written.entries()) {
    const delivery = inserted[at];
    if (delivery !== undefined) outcomes.set(task, { accepted: { delivery, isReplay: false } });
  }
  return outcomes;
}

/** Leads are locked in one order by all batches, or two could wait for each other. */
function inOrderOfLeads(group: readonly Task[]): Task[] {
  const leadOf = ({ resolved: { request } }: Task) =>
    request.leadChanges?.leadId ?? leadRead(request);
  return group.toSorted((a, b) => (leadOf(a) < leadOf(b) ? -1 : Number(leadOf(a) > leadOf(b))));
}

function leadRead({ content }: DeliveryRequest): string {
  return content.kind === "lead" ? content.leadId : "";
}
