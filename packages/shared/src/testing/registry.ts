/** Endpoints, events and clients of the service under test, typed as far as the tests look. */
import { expect } from "vitest";
import type { Api, ApiAnswer, DeliveryJson, RequestOptions } from "./api.ts";

export interface EndpointJson {
  readonly id: string;
  readonly clientId: string | null;
  readonly name: string | null;
  readonly url: string;
  readonly source: string | null;
  readonly eventTypes: readonly string[];
  readonly sources: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly enabled: boolean;
  readonly ordered: boolean;
  readonly status: string;
  readonly disabledReason: string | null;
  readonly failureCount: number;
  readonly failingSince: string | null;
  readonly lastError: string | null;
  readonly lastAttemptAt: string | null;
  readonly lastSuccessAt: string | null;
  readonly successRate: number | null;
  readonly totalEvents: number;
  readonly rotationEndsAt: string | null;
}

export interface RegisteredEndpoint {
  readonly endpoint: EndpointJson;
  readonly secret: string;
}

export interface PublishedEvent {
  readonly eventId: string;
  readonly deliveries: readonly string[];
  readonly disabled: readonly string[];
  readonly matched: number;
}

/** The body of an answer that must have this status. */
export function bodyOf<T>(answer: ApiAnswer, status: number): T {
  expect(answer.status, answer.text).toBe(status);
  return answer.body as T;
}

export async function register(
  api: Api,
  endpoint: object,
  options?: RequestOptions,
): Promise<RegisteredEndpoint> {
  return bodyOf(await api.post("/endpoints", endpoint, options), 201);
}

export async function readEndpoint(api: Api, id: string): Promise<EndpointJson> {
  return bodyOf<RegisteredEndpoint>(await api.get(`/endpoints/${id}`), 200).endpoint;
}

export async function publish(
  api: Api,
  event: object,
  options?: RequestOptions,
): Promise<PublishedEvent> {
  return bodyOf(await api.post("/events", event, options), 202);
}

/** Newest first. */
export async function deliveriesOf(api: Api, endpointId: string): Promise<readonly DeliveryJson[]> {
  const answer = await api.get(`/endpoints/${endpointId}/deliveries?limit=200`);
  return bodyOf<{ deliveries: readonly DeliveryJson[] }>(answer, 200).deliveries;
}

/** A new client, and what to send to speak in its name. */
export async function newClient(
  api: Api,
  name: string,
): Promise<{ readonly id: string; readonly as: RequestOptions }> {
  const { client, apiKey } = bodyOf<{ client: { id: string }; apiKey: string }>(
    await api.post("/clients", { name }),
    201,
  );
  return { id: client.id, as: { headers: { authorization: `Bearer ${apiKey}` } } };
}
