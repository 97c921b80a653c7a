/**
 * The name lookup for connections that leave the house: every address of the answer is judged, and exactly
 * the judged list is handed on, so a name that changes its mind between check and connect (DNS rebinding)
 * gains nothing. One bad address refuses the whole name: a name with a public and a private address is
 * an attack or a mistake, and picking the good half would let chance decide.
 *
 * A literal address is handed on as it is: the sender judges those from the URL.
 * The system resolver runs on libuv's few threads and cannot be cancelled; a caller that gives up stops
 * waiting, but a slow name server keeps its thread until the system's own timeout.
 */
import dns from "node:dns";
import net from "node:net";
import {
  type Cidr,
  type RefusedAddressVerdict,
  isDeliverable,
  judgeAddress,
} from "../core/address.ts";
import { isLoopbackName } from "../core/destination-url.ts";

/** Every address of a name; an answer without any counts as not found. */
export type Resolve = (hostname: string) => Promise<readonly { readonly address: string }[]>;

/** At least one address, in the order of the answer. Rejects with the signal's reason when it aborts. */
export type Lookup = (
  hostname: string,
  signal: AbortSignal,
) => Promise<readonly dns.LookupAddress[]>;

export class AddressRefusedError extends Error {
  override readonly name = "AddressRefusedError";
  readonly verdict: RefusedAddressVerdict;
  /** For our own logs only: it would tell a caller what our resolver knows about our network. */
  readonly address: string;

  constructor(verdict: RefusedAddressVerdict, address: string) {
    super(`the host resolves to an address that is not public (${verdict})`);
    this.verdict = verdict;
    this.address = address;
  }
}

export function createCheckedLookup(options: {
  readonly allowedCidrs: readonly Cidr[];
  readonly resolve?: Resolve | undefined;
}): Lookup {
  const { allowedCidrs, resolve = resolveWithSystem } = options;
  return createLookup(async (hostname) =>
    checkAddresses(hostname, await resolve(hostname), allowedCidrs),
  );
}

/** For a host of the operator's own choice. */
export const lookupUnchecked: Lookup = createLookup(resolveWithSystem);

function createLookup(
  resolve: (hostname: string) => Promise<readonly dns.LookupAddress[]>,
): Lookup {
  return async (hostname, signal) => {
    const family = net.isIP(hostname);
    if (family !== 0) return [{ address: hostname, family }];
    const addresses = await unlessAborted(resolve(hostname), signal);
    if (addresses.length > 0) return addresses;
    throw Object.assign(new Error(`no address found for ${hostname}`), { code: "ENOTFOUND" });
  };
}

function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** The order of the answer is the order in which connections are tried. */
function resolveWithSystem(hostname: string): Promise<readonly dns.LookupAddress[]> {
  return dns.promises.lookup(hostname, { all: true, order: "verbatim" });
}

function checkAddresses(
  hostname: string,
  answers: readonly { readonly address: string }[],
  allowed: readonly Cidr[],
): readonly dns.LookupAddress[] {
  const judged = answers.map(({ address }) => ({
    address,
    family: net.isIP(address),
    verdict: judgeAddress(address, allowed),
  }));
  const deliverable = judged.filter(({ verdict }) => isDeliverable(verdict));
  // `localhost` is both 127.0.0.1 and ::1 on most machines, and no stranger answers for it: opening one
  // of the two is enough to use that one.
  if (isLoopbackName(hostname) && deliverable.length > 0) return deliverable;
  for (const { address, verdict } of judged) {
    if (verdict !== "public" && verdict !== "allowed") {
      throw new AddressRefusedError(verdict, address);
    }
  }
  return deliverable;
}
