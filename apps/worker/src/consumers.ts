/** Takes the jobs of both lanes, each with its own slots. */
import { setTimeout as sleep } from "node:timers/promises";
import { LANES, sideSlots, type Lane } from "@webhook-delivery/shared/core/lanes.ts";
import { startConsumer, type Consumer } from "@webhook-delivery/shared/queue/consumer.ts";
import { deliver, type DeliverDeps } from "./deliver.ts";
import type { Parts } from "./parts.ts";
import { SIDE_SLOT } from "./slots.ts";

export interface Consumers {
  /** Stops trying to open what is not open yet. */
  giveUp(): void;
  /** Takes nothing new and resolves when everything in flight is done. */
  close(): Promise<void>;
}

const OPEN_QUEUE_RETRY_MS = 1_000;

/** Opens them, however long the queue takes to be there. */
export function openConsumers(parts: Parts, deps: DeliverDeps): Consumers {
  const { config, location, mainSlots, onQueueError: onError, onJobFailed } = parts;
  const concurrency = {
    main: config.WORKER_CONCURRENCY,
    side: sideSlots(config.WORKER_CONCURRENCY),
  };
  const run: Record<Lane, (deliveryId: string) => Promise<void>> = {
    main: (deliveryId) => mainSlots.run((slot) => deliver(deps, deliveryId, slot)),
    side: (deliveryId) => deliver(deps, deliveryId, SIDE_SLOT),
  };
  let isGivenUp = false;

  const open = async (lane: Lane): Promise<Consumer | undefined> => {
    const options = { location, lane, concurrency: concurrency[lane], run: run[lane] };
    while (!isGivenUp) {
      try {
        return await startConsumer({ ...options, onError, onJobFailed });
      } catch (error) {
        onError(error);
        await sleep(OPEN_QUEUE_RETRY_MS);
      }
    }
    return undefined;
  };
  const opening = LANES.map(open);

  return {
    giveUp() {
      isGivenUp = true;
    },
    async close() {
      await Promise.all(opening.map(async (consumer) => (await consumer)?.close()));
      await mainSlots.close();
    },
  };
}
