/** What the benchmark and the process with its receivers say to each other, and the clock they share. */

/** How a receiver treats a request once it has it whole. */
export type Behaviour =
  | { readonly kind: "answer"; readonly status: number; readonly afterMs: number }
  /** No answer, ever; the socket stays open until the sender closes it. */
  | { readonly kind: "hang" };

export interface Arrival {
  /** `webhook-id`: the delivery. */
  readonly id: string;
  readonly receiver: string;
  /** Its headers were there. */
  readonly startedAt: number;
  /** The whole of it was there. */
  readonly arrivedAt: number;
  /** Answered, or given up by the sender; Infinity while it is open. */
  readonly endedAt: number;
  readonly wasGood: boolean;
}

export type Command =
  | { readonly do: "open"; readonly receivers: Readonly<Record<string, Behaviour>> }
  | { readonly do: "behave"; readonly receivers: Readonly<Record<string, Behaviour>> }
  | { readonly do: "read" };

/** Answers come in the order of the commands. */
export type Answer =
  | { readonly ports: Readonly<Record<string, number>> }
  | { readonly arrivals: readonly Arrival[] }
  | { readonly done: true };

/** Milliseconds since the machine started: the same in every process on it, and it never goes back. */
export function machineNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
