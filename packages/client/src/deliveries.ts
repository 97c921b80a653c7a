/** `client.deliveries`: what was accepted, and what came of it. */
import { signalOf, type Api } from "./api.ts";
import type { CallOptions } from "./options.ts";
import { pages } from "./pages.ts";
import { path, withQuery } from "./path.ts";
import type {
  Attempt,
  Delivery,
  DeliveryPage,
  DeliveryQuery,
  DeliveryWithAttempts,
  NewReplay,
  Replay,
  StartedReplay,
  Stats,
  StatsQuery,
} from "./types.ts";

export interface Deliveries {
  list(query?: DeliveryQuery, options?: CallOptions): Promise<DeliveryPage>;
  /** All that the query matches, newest first, read page by page. */
  iterate(query?: DeliveryQuery, options?: CallOptions): AsyncIterable<Delivery>;
  /** With its payload and its attempts. */
  get(id: string, options?: CallOptions): Promise<DeliveryWithAttempts>;
  /** Its attempts, oldest first. */
  logs(id: string, options?: CallOptions): Promise<Attempt[]>;
  /** A new round of attempts for a finished one; pending or in flight: `not_retryable`. */
  retry(id: string, options?: CallOptions): Promise<Delivery>;
  /** A pending one never leaves; in flight or finished: `not_cancellable`. */
  cancel(id: string, options?: CallOptions): Promise<Delivery>;
  /** New rounds for past deliveries, in the background. */
  replay(body: NewReplay, options?: CallOptions): Promise<StartedReplay>;
  getReplay(id: string, options?: CallOptions): Promise<Replay>;
  cancelReplay(id: string, options?: CallOptions): Promise<Replay>;
  stats(query?: StatsQuery, options?: CallOptions): Promise<Stats>;
}

interface One {
  readonly delivery: Delivery;
}

interface OneReplay {
  readonly replay: Replay;
}

export function createDeliveries(api: Api): Deliveries {
  const list: Deliveries["list"] = async (query, options) =>
    api.get(withQuery("/webhook-delivery", query), options);
  return {
    list,
    async *iterate(query = {}, options) {
      const read = async (one: DeliveryQuery) => list(one, options);
      for await (const page of pages(read, query)) yield* page.deliveries;
    },
    get: async (id, options) => {
      const at = path`/webhook-delivery/${id}`;
      return (await api.get<{ readonly delivery: DeliveryWithAttempts }>(at, options)).delivery;
    },
    logs: async (id, options) => {
      const at = path`/webhook-delivery/${id}/logs`;
      return (await api.get<{ readonly logs: Attempt[] }>(at, options)).logs;
    },
    retry: async (id, options) => {
      const at = path`/webhook-delivery/${id}/retry`;
      return (await api.post<One>(at, undefined, signalOf(options))).delivery;
    },
    cancel: async (id, options) => {
      const at = path`/webhook-delivery/${id}/cancel`;
      return (await api.post<One>(at, undefined, signalOf(options))).delivery;
    },
    replay: async (body, options) => api.post("/webhook-delivery/replay", body, signalOf(options)),
    getReplay: async (id, options) =>
      (await api.get<OneReplay>(path`/replays/${id}`, options)).replay,
    cancelReplay: async (id, options) => {
      const at = path`/replays/${id}/cancel`;
      return (await api.post<OneReplay>(at, undefined, signalOf(options))).replay;
    },
    stats: async (query, options) => api.get(withQuery("/webhook-delivery/stats", query), options),
  };
}
