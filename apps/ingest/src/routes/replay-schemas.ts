/** Replays, as requests and answers have them. */
import { Type } from "typebox";
import {
  DEFAULT_REPLAY_RATE_PER_SECOND,
  MAX_REPLAY_RATE_PER_SECOND,
  MIN_REPLAY_RATE_PER_SECOND,
} from "@webhook-delivery/shared/core/replay-pace.ts";
import { REPLAY_STATES, REPLAYABLE_STATUSES } from "@webhook-delivery/shared/db/replays.ts";
import { Nullable, OneOf, SHORT_TEXT, Timestamp, Uuid } from "./schemas.ts";

const SINCE = "2026-11-21T08:00:00.000Z";
const UNTIL = "2026-11-21T10:00:00.000Z";
const ENDPOINT_ID = "019aa5b0-7c00-7000-8000-0000000000e1";

export const NewReplayBody = Type.Object(
  {
    since: Type.Unsafe<string>({
      ...Timestamp,
      description: "Accepted at or after.",
      examples: [SINCE],
    }),
    until: Type.Optional(
      Nullable(
        Type.Unsafe<string>({
          ...Timestamp,
          description: "Accepted before; at most, and by default, the time of this request.",
        }),
      ),
    ),
    endpointId: Type.Optional(Nullable(Type.String(SHORT_TEXT))),
    eventType: Type.Optional(Nullable(Type.String(SHORT_TEXT))),
    clientId: Type.Optional(
      Nullable(
        Type.Unsafe<string>({
          ...Uuid,
          description:
            "For operators; without it theirs and every client's. A client's replay is shown to it.",
        }),
      ),
    ),
    deliveryStatus: Type.Optional(
      OneOf(REPLAYABLE_STATUSES, {
        default: "failed",
        description: "Which state they must be in now, and when their turn comes.",
      }),
    ),
    ratePerSecond: Type.Optional(
      Nullable(
        Type.Number({
          minimum: MIN_REPLAY_RATE_PER_SECOND,
          maximum: MAX_REPLAY_RATE_PER_SECOND,
          description: `Default: ${DEFAULT_REPLAY_RATE_PER_SECOND}. The service's own rate limit holds as well.`,
        }),
      ),
    ),
  },
  {
    // An ignored misspelling of a filter would make again what nobody meant.
    additionalProperties: false,
    examples: [{ since: SINCE, endpointId: ENDPOINT_ID, ratePerSecond: 20 }],
  },
);

const count = (description: string) => Type.Integer({ minimum: 0, description });

export const ReplaySchema = Type.Object(
  {
    id: Uuid,
    state: OneOf(REPLAY_STATES),
    matched: Nullable(count("Deliveries that fit when it was made; null: not counted yet.")),
    replayed: count("A new round of attempts was started for so many."),
    skipped: count(
      "Passed over: the endpoint is disabled or gone, or they moved on by themselves meanwhile.",
    ),
    since: Timestamp,
    until: Timestamp,
    endpointId: Nullable(Uuid),
    eventType: Nullable(Type.String()),
    clientId: Nullable(Uuid),
    deliveryStatus: OneOf(REPLAYABLE_STATUSES),
    ratePerSecond: Type.Number(),
    createdAt: Timestamp,
    finishedAt: Nullable(Timestamp),
  },
  {
    examples: [
      {
        id: "019aa5b0-7c00-7000-8000-0000000000f1",
        state: "running",
        matched: 1200,
        replayed: 340,
        skipped: 0,
        since: SINCE,
        until: UNTIL,
        endpointId: ENDPOINT_ID,
        eventType: null,
        clientId: null,
        deliveryStatus: "failed",
        ratePerSecond: 20,
        createdAt: UNTIL,
        finishedAt: null,
      },
    ],
  },
);

export const ReplayListQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  cursor: Type.Optional(Type.String()),
});
