/** What the package offers: the one place where its parts are put together. */
export { createClient, type Client } from "./client.ts";
export type { Deliveries } from "./deliveries.ts";
export type { Destinations } from "./destinations.ts";
export type { Endpoints } from "./endpoints.ts";
export {
  WebhookDeliveryConnectionError,
  WebhookDeliveryError,
  type ErrorDetail,
} from "./errors.ts";
export { isIdempotencyKey } from "./options.ts";
export type { CallOptions, ClientOptions, RequestOptions } from "./options.ts";
export type * from "./types.ts";
export * from "./verify.ts";
