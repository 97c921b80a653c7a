/**
 * RFC 8305 ("Happy Eyeballs"): of several addresses, the first that connects wins.
 *
 * An address is never given up because another one is tried: the next one starts beside those that are
 * still silent, after a short wait, or at once when one of them fails. Node's own `autoSelectFamily`
 * drops an address after 250 ms instead, and a receiver on the other side of the world, or one whose
 * listen queue was full for a second, is then not reached at all.
 * Families take turns (§4), so that a network without IPv6 costs one wait and not one per address.
 */
import type { LookupAddress } from "node:dns";
import { setMaxListeners } from "node:events";

export interface Connecting<Connection> {
  /** All of them were judged; not empty. */
  readonly addresses: readonly LookupAddress[];
  /** How long the next address waits for those that were started before it. */
  readonly staggerMs: number;
  /** The attempt's time is over. */
  readonly signal: AbortSignal;
  /** Rejects when there is no connection, and closes what it has opened when its signal says so. */
  readonly open: (address: string, signal: AbortSignal) => Promise<Connection>;
  /** A connection that came second. */
  readonly discard: (connection: Connection) => void;
  /** A failure that no other address would mend. */
  readonly endsAll?: (error: unknown) => boolean;
}

export function firstToConnect<Connection>(
  connecting: Connecting<Connection>,
): Promise<Connection> {
  const { addresses, staggerMs, signal, open, discard, endsAll = () => false } = connecting;
  const waiting = takingTurns(addresses);
  const [only] = waiting;
  if (only !== undefined && waiting.length === 1) return open(only, signal);
  return new Promise((resolve, reject) => {
    const losers = new AbortController();
    // One listener an address: Node would warn of a leak at the eleventh.
    setMaxListeners(0, losers.signal);
    const failures: unknown[] = [];
    let running = 0;
    let isOver = false;
    let timer: NodeJS.Timeout | undefined;

    function end(): void {
      isOver = true;
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
      losers.abort(signal.reason);
    }
    function giveUp(): void {
      end();
      reject(signal.reason as Error);
    }
    function won(connection: Connection): void {
      if (isOver) return discard(connection);
      end();
      resolve(connection);
    }
    function failed(error: unknown): void {
      running -= 1;
      if (isOver) return;
      failures.push(error);
      const isLast = running === 0 && waiting.length === 0;
      if (!isLast && !endsAll(error)) return startNext();
      end();
      reject(isLast ? mostTelling(failures) : error);
    }
    function startNext(): void {
      clearTimeout(timer);
      const address = waiting.shift();
      if (address === undefined) return;
      running += 1;
      if (waiting.length > 0) timer = setTimeout(startNext, staggerMs);
      open(address, losers.signal).then(won, failed);
    }

    if (signal.aborted) return giveUp();
    signal.addEventListener("abort", giveUp, { once: true });
    startNext();
  });
}

/** The resolver's order within a family; its first address stays the first of all. */
function takingTurns(addresses: readonly LookupAddress[]): string[] {
  const preferred = addresses.filter(({ family }) => family === addresses[0]?.family);
  const others = addresses.filter(({ family }) => family !== addresses[0]?.family);
  const longest = Math.max(preferred.length, others.length);
  const inTurn = Array.from({ length: longest }, (_, at) => [preferred[at], others[at]]).flat();
  return [...new Set(inTurn.flatMap((each) => (each === undefined ? [] : [each.address])))];
}

/** No way leads there from here: that says more about our network than about the receiver. */
const NO_ROUTE: ReadonlySet<unknown> = new Set([
  "ENETUNREACH",
  "EHOSTUNREACH",
  "EADDRNOTAVAIL",
  "EAFNOSUPPORT",
]);

function mostTelling(failures: readonly unknown[]): unknown {
  const isRouted = (error: unknown): boolean =>
    !(error instanceof Error && "code" in error && NO_ROUTE.has(error.code));
  return failures.find(isRouted) ?? failures[0];
}
