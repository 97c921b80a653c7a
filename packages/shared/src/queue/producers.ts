/** A producer for each lane: two queues, so that neither waits behind the other. */
import { LANES, type Lane } from "../core/lanes.ts";
import type { QueueLocation } from "./connection.ts";
import { createProducer, type Producer } from "./producer.ts";

export interface Producers extends Readonly<Record<Lane, Producer>> {
  close(): Promise<void>;
}

export function createProducers(
  location: QueueLocation,
  onError: (error: Error) => void,
): Producers {
  const [main, side] = LANES.map((lane) => createProducer(location, lane, onError)) as [
    Producer,
    Producer,
  ];
  return {
    main,
    side,
    async close() {
      await Promise.all([main.close(), side.close()]);
    },
  };
}
