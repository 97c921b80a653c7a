/** Destinations, as requests and answers have them. */
import { Type } from "typebox";
import { CIRCUIT_STATES } from "@webhook-delivery/shared/core/circuit.ts";
import { Nullable, OneOf, Timestamp, Uuid } from "./schemas.ts";

const circuitExample = {
  state: "open",
  reason: "timeout",
  since: "2026-11-21T10:00:00.000Z",
  failuresInARow: 14,
  isSlow: true,
  lane: "side",
  nextProbeAt: "2026-11-21T10:00:15.000Z",
  pausedUntil: null,
  ratePerSecond: null,
  heldBack: 381,
};

const circuitFields = {
  state: OneOf(CIRCUIT_STATES, {
    description:
      "closed: it gets what is due. open: nothing but a probe now and then. half_open: it is back, and gets more and more.",
  }),
  reason: Nullable(
    Type.String({
      description:
        "The latest failure: timeout, network, http_503. Null: none since the last success.",
    }),
  ),
  since: Nullable(
    Type.Unsafe<string>({ ...Timestamp, description: "Of the state; null: always." }),
  ),
  failuresInARow: Type.Integer(),
  isSlow: Type.Boolean({ description: "Its latest attempt took longer than a second." }),
  lane: OneOf(["main", "side"] as const, {
    description: "main: with the others. side: beside them, so that it cannot keep them waiting.",
  }),
  nextProbeAt: Nullable(Timestamp),
  pausedUntil: Nullable(
    Type.Unsafe<string>({ ...Timestamp, description: "The receiver asked for it (Retry-After)." }),
  ),
  ratePerSecond: Nullable(Type.Number({ description: "half_open: what is let through now." })),
  heldBack: Type.Integer({ description: "Deliveries that wait because of its state." }),
  heldBackIsCapped: Type.Optional(Type.Boolean({ description: "There are more than that." })),
};

/** Null: nothing was tried there yet. */
export const CircuitSchema = Nullable(Type.Object(circuitFields, { examples: [circuitExample] }));

export const DestinationSchema = Type.Object(
  {
    destination: Type.String({
      description:
        "The endpoint's id; of deliveries without one their URL, without scheme and query string.",
    }),
    endpointId: Nullable(Uuid),
    clientId: Nullable(Uuid),
    ...circuitFields,
  },
  {
    examples: [
      {
        destination: "hooks.example.com/orders",
        endpointId: null,
        clientId: null,
        ...circuitExample,
      },
    ],
  },
);

export const DestinationListQuery = Type.Object({
  state: Type.Optional(OneOf(CIRCUIT_STATES)),
  clientId: Type.Optional(Uuid),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  cursor: Type.Optional(Type.String()),
});

export const DestinationParams = Type.Object({
  destination: Type.String({ minLength: 1, examples: ["hooks.example.com/orders"] }),
});
