/**
 * Deals out room in the queue: one to each client in turn, and of what a client gets one to each of its
 * destinations in turn, so that who has much waits behind itself and not before the others.
 */
export interface Claimant {
  readonly key: string;
  /** Whose it is; those of one share what it gets. */
  readonly group: string;
  /** How many it would take now. */
  readonly wants: number;
}

/** How many each gets; those who come first are served first, what one leaves goes to the others. */
export function shareOut(claimants: readonly Claimant[], room: number): Map<string, number> {
  const shares = new Map<string, number>();
  const groups = groupBy(claimants);
  let left = Math.floor(room);
  while (left > 0 && groups.size > 0) {
    for (const [group, turns] of groups) {
      const claimant = left > 0 ? turns.shift() : undefined;
      if (claimant === undefined) break;
      const share = (shares.get(claimant.key) ?? 0) + 1;
      shares.set(claimant.key, share);
      left--;
      if (share < claimant.wants) turns.push(claimant);
      else if (turns.length === 0) groups.delete(group);
    }
  }
  return shares;
}

function groupBy(claimants: readonly Claimant[]): Map<string, Claimant[]> {
  const groups = new Map<string, Claimant[]>();
  for (const claimant of claimants) {
    if (claimant.wants < 1) continue;
    const turns = groups.get(claimant.group);
    if (turns === undefined) groups.set(claimant.group, [claimant]);
    else turns.push(claimant);
  }
  return groups;
}

/** One of each destination in turn: jobs run in about the order in which they are queued. */
export function takeTurns<T extends { readonly destination: string }>(items: readonly T[]): T[] {
  const turns = new Map<string, number>();
  return items
    .map((item) => {
      const turn = turns.get(item.destination) ?? 0;
      turns.set(item.destination, turn + 1);
      return { item, turn };
    })
    .sort((a, b) => a.turn - b.turn)
    .map(({ item }) => item);
}
