/**
 * Names for what the service takes and answers. Nothing is described here: all of it comes from the
 * generated openapi.ts.
 */
import type { components, operations } from "./openapi.ts";

type Named = components["schemas"];

export type Attempt = Named["Attempt"];
export type Delivery = Named["Delivery"];
export type DeliveryWithAttempts = Named["DeliveryWithAttempts"];
export type Endpoint = Named["Endpoint"];
export type Replay = Named["Replay"];
/** A field of a request that the service does not know and has ignored. */
export type Warning = NonNullable<Published["warnings"]>[number];

export type NewDelivery = BodyOf<"postWebhookDelivery">;
export type NewBatchItem = BodyOf<"postWebhookDeliveryBatch">["deliveries"][number];
export type BatchResult = AnswerOf<"postWebhookDeliveryBatch", 202>["results"][number];
export type Preview = AnswerOf<"postFormatsByFormatPreview", 200>;
export type NewEvent = BodyOf<"postEvents">;
export type Published = AnswerOf<"postEvents", 202>;

export type NewEndpoint = BodyOf<"postEndpoints">;
export type EndpointForSource = BodyOf<"putEndpointsBySourceBySource">;
export type EndpointPatch = BodyOf<"patchEndpointsById">;
export type EndpointQuery = QueryOf<"getEndpoints">;
export type EndpointPage = AnswerOf<"getEndpoints", 200>;
export type CreatedEndpoint = AnswerOf<"postEndpoints", 201>;
export type RemovedEndpoint = AnswerOf<"deleteEndpointsById", 200>;
export type EnabledEndpoint = AnswerOf<"postEndpointsByIdEnable", 200>;
export type SecretRotation = BodyOf<"postEndpointsByIdRotateSecret">;
export type RotatedSecret = AnswerOf<"postEndpointsByIdRotateSecret", 200>;
export type EndpointTest = BodyOf<"postEndpointsByIdTest">;
export type TestResult = AnswerOf<"postEndpointsByIdTest", 200>;
export type EndpointDeliveriesQuery = QueryOf<"getEndpointsByIdDeliveries">;

export type DestinationQuery = QueryOf<"getDestinations">;
export type DestinationPage = AnswerOf<"getDestinations", 200>;
export type Destination = DestinationPage["destinations"][number];

export type DeliveryQuery = QueryOf<"getWebhookDelivery">;
export type DeliveryPage = AnswerOf<"getWebhookDelivery", 200>;
export type NewReplay = BodyOf<"postWebhookDeliveryReplay">;
export type StartedReplay = AnswerOf<"postWebhookDeliveryReplay", 202>;
export type StatsQuery = QueryOf<"getWebhookDeliveryStats">;
export type StatsDaysQuery = QueryOf<"getEndpointsByIdStats">;
export type Stats = AnswerOf<"getWebhookDeliveryStats", 200>;

type BodyOf<Name extends keyof operations> = operations[Name] extends {
  requestBody?: { content: { "application/json": infer Body } };
}
  ? Immutable<NonNullable<Body>>
  : never;

/** Without `status`, which says "success" in each. */
type AnswerOf<
  Name extends keyof operations,
  Status extends keyof operations[Name]["responses"],
> = operations[Name]["responses"][Status] extends { content: { "application/json": infer Answer } }
  ? Pick<Answer, Exclude<keyof Answer, "status">>
  : never;

type QueryOf<Name extends keyof operations> = Immutable<
  NonNullable<operations[Name]["parameters"]["query"]>
>;

/** What is asked for may be given as readonly: the client changes nothing of it. */
type Immutable<T> = T extends readonly (infer Item)[]
  ? readonly Immutable<Item>[]
  : T extends object
    ? { readonly [Field in keyof T]: Immutable<T[Field]> }
    : T;
