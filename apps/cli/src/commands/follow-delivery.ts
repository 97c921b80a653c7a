/** `--wait`: the attempts of a delivery as they are made, and an exit code that says how it ended. */
import type { Client, Delivery, DeliveryWithAttempts } from "@webhook-delivery/client";
import type { Cli } from "../cli.ts";
import { EXIT } from "../exit-codes.ts";
import { Failure } from "../failure.ts";
import { describeAttempt } from "../show/delivery.ts";
import { paintState } from "../text/paint.ts";
import { createSetbacks } from "../setbacks.ts";
import { waitForDelivery } from "../wait.ts";

export interface FollowOptions {
  readonly timeoutMs: number | undefined;
  /** Attempts that were made before, and are not told. */
  readonly known?: number;
}

export async function followDelivery(
  client: Client,
  { id }: Pick<Delivery, "id">,
  cli: Cli,
  { timeoutMs, known = 0 }: FollowOptions,
): Promise<DeliveryWithAttempts> {
  const { output, signal } = cli;
  const { paint } = output;
  try {
    const delivery = await waitForDelivery(client, id, {
      signal,
      timeoutMs,
      known,
      setbacks: createSetbacks(output),
      onAttempt: (attempt) => output.lines(describeAttempt(attempt, { now: new Date(), paint })),
    });
    output.lines([paintState(paint, delivery.status)]);
    if (delivery.status !== "success") cli.endWith(EXIT.failed);
    return delivery;
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Failure(EXIT.interrupted, "interrupted", `Interrupted; delivery ${id} goes on.`);
  }
}
