/** `client.endpoints`: registered receivers. */
import { signalOf, type Api } from "./api.ts";
import type { CallOptions } from "./options.ts";
import { pages } from "./pages.ts";
import { path, withQuery } from "./path.ts";
import type {
  CreatedEndpoint,
  DeliveryPage,
  EnabledEndpoint,
  Endpoint,
  EndpointDeliveriesQuery,
  EndpointForSource,
  EndpointPage,
  EndpointPatch,
  EndpointQuery,
  EndpointTest,
  NewEndpoint,
  RemovedEndpoint,
  RotatedSecret,
  SecretRotation,
  Stats,
  StatsDaysQuery,
  TestResult,
} from "./types.ts";

export interface Endpoints {
  /** The secret is in this answer and never again. Not repeated when its answer is lost. */
  create(body: NewEndpoint, options?: CallOptions): Promise<CreatedEndpoint>;
  /**
   * Registers or changes the one endpoint of `source`. The secret is there when it was new; if an
   * answer was lost on the way it may be missing for a new one too: `rotateSecret` gives another.
   */
  putForSource(
    source: string,
    body: EndpointForSource,
    options?: CallOptions,
  ): Promise<Omit<CreatedEndpoint, "secret"> & Partial<Pick<CreatedEndpoint, "secret">>>;
  list(query?: EndpointQuery, options?: CallOptions): Promise<EndpointPage>;
  /** All that the query matches, newest first, read page by page. */
  iterate(query?: EndpointQuery, options?: CallOptions): AsyncIterable<Endpoint>;
  get(id: string, options?: CallOptions): Promise<Endpoint>;
  update(id: string, patch: EndpointPatch, options?: CallOptions): Promise<Endpoint>;
  /** `cancelled`: deliveries that waited for it; 0 also when the answer was lost and it is gone. */
  delete(id: string, options?: CallOptions): Promise<RemovedEndpoint>;
  /** Sends it one real test delivery and waits for what comes of it. */
  test(id: string, body?: EndpointTest, options?: CallOptions): Promise<TestResult>;
  /** The new secret is in this answer and never again. */
  rotateSecret(id: string, body?: SecretRotation, options?: CallOptions): Promise<RotatedSecret>;
  /** With what it missed, and the body for `deliveries.replay` that sends it again. */
  enable(id: string, options?: CallOptions): Promise<EnabledEndpoint>;
  disable(id: string, options?: CallOptions): Promise<Endpoint>;
  stats(id: string, query?: StatsDaysQuery, options?: CallOptions): Promise<Stats>;
  deliveries(
    id: string,
    query?: EndpointDeliveriesQuery,
    options?: CallOptions,
  ): Promise<DeliveryPage>;
}

/** As long as the service itself waits for an attempt and for a worker to make it. */
const TEST_TIMEOUT_MS = 130_000;

interface One {
  readonly endpoint: Endpoint;
}

export function createEndpoints(api: Api): Endpoints {
  const list: Endpoints["list"] = async (query, options) =>
    api.get(withQuery("/endpoints", query), options);
  return {
    create: async (body, options) => api.post("/endpoints", body, signalOf(options)),
    putForSource: async (source, body, options) =>
      api.put(path`/endpoints/by-source/${source}`, body, options),
    list,
    async *iterate(query = {}, options) {
      const read = async (one: EndpointQuery) => list(one, options);
      for await (const page of pages(read, query)) yield* page.endpoints;
    },
    get: async (id, options) => (await api.get<One>(path`/endpoints/${id}`, options)).endpoint,
    update: async (id, patch, options) =>
      (await api.patch<One>(path`/endpoints/${id}`, patch, options)).endpoint,
    delete: async (id, options) => api.delete(path`/endpoints/${id}`, { cancelled: 0 }, options),
    test: async (id, body = {}, options) =>
      api.post(path`/endpoints/${id}/test`, body, {
        timeoutMs: TEST_TIMEOUT_MS,
        ...signalOf(options),
      }),
    rotateSecret: async (id, body = {}, options) =>
      api.post(path`/endpoints/${id}/rotate-secret`, body, signalOf(options)),
    // Not repeated: the second time it would not say what was missed.
    enable: async (id, options) =>
      api.post(path`/endpoints/${id}/enable`, undefined, signalOf(options)),
    disable: async (id, options) => {
      const at = path`/endpoints/${id}/disable`;
      return (await api.postRepeatably<One>(at, undefined, signalOf(options))).endpoint;
    },
    stats: async (id, query, options) =>
      api.get(withQuery(path`/endpoints/${id}/stats`, query), options),
    deliveries: async (id, query, options) =>
      api.get(withQuery(path`/endpoints/${id}/deliveries`, query), options),
  };
}
