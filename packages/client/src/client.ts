/** The caller's side: everything that a client can ask the service. */
import { createApi, signalOf } from "./api.ts";
import { deliverBatch } from "./batch.ts";
import { createCaller } from "./call.ts";
import { createDeliveries, type Deliveries } from "./deliveries.ts";
import { createDestinations, type Destinations } from "./destinations.ts";
import { createEndpoints, type Endpoints } from "./endpoints.ts";
import {
  readOptions,
  requireIdempotencyKey,
  type CallOptions,
  type ClientOptions,
  type RequestOptions,
} from "./options.ts";
import { path } from "./path.ts";
import { realSurroundings, type Surroundings } from "./surroundings.ts";
import type {
  BatchResult,
  Delivery,
  NewBatchItem,
  NewDelivery,
  NewEvent,
  Preview,
  Published,
} from "./types.ts";

export interface Client {
  /**
   * Resolves when the delivery is committed: it is delivered, retried or explained from here on. Made
   * once, however often it had to be asked for: without an `idempotencyKey` it gets one for this call.
   */
  deliver(request: NewDelivery, options?: RequestOptions): Promise<Delivery>;
  /**
   * Any number, split as the service's limits ask for. Results come in order, each item accepted or
   * refused by itself. Item `i` has the key `idempotencyKey/i` unless it has its own; where that is too
   * long, it rejects with TypeError and sends nothing. Otherwise it rejects only when no item got an
   * answer; where a later request failed, its items have the error, or `connection_failed` when nobody
   * knows whether they were accepted.
   */
  deliverBatch(requests: readonly NewBatchItem[], options?: RequestOptions): Promise<BatchResult[]>;
  /** The body that a delivery would have, byte for byte; nothing is stored and nothing sent. */
  preview(
    format: NonNullable<NewDelivery["format"]>,
    request: NewDelivery,
    options?: CallOptions,
  ): Promise<Preview>;
  /** One delivery for each endpoint that subscribes. Without an `eventId` it gets one for this call. */
  publish(event: NewEvent, options?: CallOptions): Promise<Published>;
  readonly endpoints: Endpoints;
  readonly deliveries: Deliveries;
  readonly destinations: Destinations;
}

/** A fan-out to thousands of endpoints is written before it is answered. */
const PUBLISH_TIMEOUT_MS = 35_000;

/** Throws TypeError when the options cannot be used. */
export function createClient(options: ClientOptions): Client {
  return createClientWithin(options, realSurroundings);
}

/** For the tests, which bring their own time and chance. */
export function createClientWithin(options: ClientOptions, surroundings: Surroundings): Client {
  const settings = readOptions(options);
  const api = createApi(createCaller(settings, surroundings));
  const batchDeps = { ...surroundings, api, maxRetries: settings.maxRetries };
  return {
    deliver: async (request, { idempotencyKey = crypto.randomUUID(), ...rest } = {}) => {
      const how = { ...signalOf(rest), idempotencyKey: requireIdempotencyKey(idempotencyKey) };
      const at = "/webhook-delivery";
      return (await api.postRepeatably<{ readonly delivery: Delivery }>(at, request, how)).delivery;
    },
    deliverBatch: async (requests, batchOptions) => deliverBatch(batchDeps, requests, batchOptions),
    preview: async (format, request, callOptions) =>
      api.postRepeatably(path`/formats/${format}/preview`, request, signalOf(callOptions)),
    publish: async (event, callOptions) => {
      const eventId = event.eventId ?? crypto.randomUUID();
      const how = { timeoutMs: PUBLISH_TIMEOUT_MS, keyInBody: eventId, ...signalOf(callOptions) };
      return api.postRepeatably("/events", { ...event, eventId }, how);
    },
    endpoints: createEndpoints(api),
    deliveries: createDeliveries(api),
    destinations: createDestinations(api),
  };
}
