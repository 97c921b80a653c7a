/** `client.destinations`: where deliveries go, and what is held back for whom. */
import type { Api } from "./api.ts";
import type { CallOptions } from "./options.ts";
import { path, withQuery } from "./path.ts";
import { pages } from "./pages.ts";
import type { Destination, DestinationPage, DestinationQuery } from "./types.ts";

export interface Destinations {
  list(query?: DestinationQuery, options?: CallOptions): Promise<DestinationPage>;
  /** All that the query matches, read page by page. */
  iterate(query?: DestinationQuery, options?: CallOptions): AsyncIterable<Destination>;
  /** `key`: an endpoint's id; for deliveries without one their URL, without scheme and query string. */
  get(key: string, options?: CallOptions): Promise<Destination>;
}

interface One {
  readonly destination: Destination;
}

export function createDestinations(api: Api): Destinations {
  const list: Destinations["list"] = async (query, options) =>
    api.get(withQuery("/destinations", query), options);
  return {
    list,
    async *iterate(query = {}, options) {
      const read = async (one: DestinationQuery) => list(one, options);
      for await (const page of pages(read, query)) yield* page.destinations;
    },
    get: async (key, options) =>
      (await api.get<One>(path`/destinations/${key}`, options)).destination,
  };
}
