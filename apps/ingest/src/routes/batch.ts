/** `/webhook-delivery/batch`: many deliveries in one request, each accepted or refused by itself. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyRequest,
  FastifySchemaCompiler,
} from "fastify";
import { Type, type Static, type TSchema } from "typebox";
import { DomainError, type ErrorDetail } from "@webhook-delivery/shared/core/errors.ts";
import { elementTexts, memberText } from "@webhook-delivery/shared/core/json-text.ts";
import {
  findUnknownFields,
  newBudget,
  type FieldsSchema,
} from "@webhook-delivery/shared/core/unknown-fields.ts";
import { acceptBatch, type Outcome } from "@webhook-delivery/shared/dispatch/accept-batch.ts";
import type {
  AcceptDeps,
  DeliveryRequest,
} from "@webhook-delivery/shared/dispatch/accept-delivery.ts";
import { DeadlineError, withinDeadline } from "../deadline.ts";
import { explainError } from "../errors.ts";
import { refuseUnfit } from "../json-body.ts";
import { describeErrors, misfit } from "../misfit.ts";
import {
  BatchBody,
  BatchItemBody,
  BatchResults,
  BatchShape,
  type BatchResult,
} from "./batch-schemas.ts";
import { deliveryJson } from "./delivery-json.ts";
import { findConflicts, readIdempotencyKey, toDeliveryRequest } from "./delivery-request.ts";
import { errors, Success } from "./schemas.ts";

/** The whole body may be as large as this many of the largest payloads. */
const BODY_PAYLOADS = 20;
/** What is not written by then is answered as unavailable. */
const WORK_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 15_000;
const ITEM_FIELDS: FieldsSchema = BatchItemBody as object;
/** Unknown names that are compared with known ones, of all items together. */
const BUDGET_OF_ALL = 2_000;

export interface BatchDeps extends AcceptDeps {
  readonly maxPayloadBytes: number;
}

type Result = Static<typeof BatchResult>;

export const batchRoutes: FastifyPluginAsyncTypebox<BatchDeps> = async (app, deps) => {
  const compile = compilerOf(app);
  const url = "/webhook-delivery/batch";
  const fits = compile({ schema: BatchItemBody, httpPart: "body", method: "POST", url });

  app.post(
    url,
    {
      bodyLimit: deps.maxPayloadBytes * BODY_PAYLOADS,
      config: { checksItself: true, answerTimeoutMs: ANSWER_TIMEOUT_MS },
      validatorCompiler: (part) =>
        compile(part.httpPart === "body" ? { ...part, schema: BatchShape } : part),
      schema: {
        tags: ["deliveries"],
        summary: "Accept up to 1,000 deliveries, each by itself",
        description:
          "Results come in the order of the request; paths in an error begin with `deliveries[3]`. " +
          "A payload may be as large as in a request of its own, all together 20 times that. " +
          "With the header `Idempotency-Key: K` the items have the keys `K/0`, `K/1` and so on; an " +
          "item's own `idempotencyKey` goes before. Items that could not be written have the code " +
          "`unavailable`, and the answer is 503 when there was none that could.",
        headers: Type.Object({ "idempotency-key": Type.Optional(Type.String()) }),
        body: BatchBody,
        response: { 202: Success({ results: BatchResults }), ...errors(400, 413, 415, 503) },
      },
    },
    async (request, reply) => {
      const warnings: Warnings = [];
      const read = itemReader({ request, fits, maxBytes: deps.maxPayloadBytes, warnings });
      const bodies: readonly unknown[] = request.body.deliveries;
      const outcomes = await acceptAll(deps, bodies.map(read));
      const results = outcomes.map(resultWriter(request.log, warnings));
      const isOutage = results.some(isUnavailable) && !results.some(isSuccess);
      if (isOutage) throw new DeadlineError("no delivery of a batch could be written");
      return reply.code(202).send({ status: "success" as const, results });
    },
  );
};

function compilerOf(app: FastifyInstance): FastifySchemaCompiler<TSchema> {
  if (app.validatorCompiler === undefined) throw new Error("the server validates nothing");
  return app.validatorCompiler;
}

type Validator = ReturnType<FastifySchemaCompiler<TSchema>>;

/** By the place of an item: its unknown fields. */
type Warnings = (readonly ErrorDetail[])[];

interface Reading {
  readonly request: FastifyRequest;
  readonly fits: Validator;
  readonly maxBytes: number;
  /** Filled while the items are read. */
  readonly warnings: Warnings;
}

/** What each item asks for, or why it is refused before anything is looked up. */
function itemReader({ request, fits, maxBytes, warnings }: Reading) {
  const { caller, bodyText, headers } = request;
  const batchKey = readIdempotencyKey(headers["idempotency-key"]);
  const budget = newBudget(BUDGET_OF_ALL);
  const texts = elementTexts(memberText(bodyText, "deliveries") ?? "");
  return (body: unknown, index: number): DeliveryRequest | Outcome => {
    const text = texts[index] ?? "";
    try {
      refuseLarge(text, maxBytes);
      refuseUnfit(body, text);
      const unfit = fits(body) === false ? describeErrors(fits.errors ?? [], "body") : [];
      const unknown = findUnknownFields(ITEM_FIELDS, body, "body", budget);
      const wrong = [...unfit, ...unknown.mistakes, ...findConflicts(body)];
      if (wrong.length > 0) throw misfit(wrong);
      warnings[index] = unknown.warnings;
      const item = body as Static<typeof BatchItemBody>;
      const idempotencyKey = item.idempotencyKey
        ? readIdempotencyKey(item.idempotencyKey)
        : batchKey && `${batchKey}/${index}`;
      return toDeliveryRequest(item, { caller, bodyText: text, idempotencyKey });
    } catch (error) {
      return { error };
    }
  };
}

function refuseLarge(text: string, maxBytes: number): void {
  if (Buffer.byteLength(text) <= maxBytes) return;
  throw new DomainError("payload_too_large", `A delivery may have ${maxBytes} bytes.`);
}

/** Outcomes in the order of the items; undefined: it was not written in time. */
async function acceptAll(
  deps: AcceptDeps,
  items: readonly (DeliveryRequest | Outcome)[],
): Promise<(Outcome | undefined)[]> {
  const outcomes: (Outcome | undefined)[] = items.map((item) =>
    "target" in item ? undefined : item,
  );
  const wanted = items.flatMap((request, index) =>
    "target" in request
      ? [{ request, settle: (outcome: Outcome) => void (outcomes[index] = outcome) }]
      : [],
  );
  const ended = new AbortController();
  try {
    await withinDeadline(acceptBatch(deps, wanted, ended.signal), WORK_TIMEOUT_MS);
  } catch (error) {
    if (!(error instanceof DeadlineError)) throw error;
  } finally {
    ended.abort();
  }
  return [...outcomes];
}

const notInTime = new DeadlineError("a delivery of a batch was not written in time");

function resultWriter(log: FastifyBaseLogger, warnings: Warnings) {
  // An outage is one error for many items, and one line in the log.
  const explained = new Map<unknown, ReturnType<typeof explainError>>();
  return (outcome: Outcome | undefined, index: number): Result => {
    if (outcome !== undefined && "accepted" in outcome) {
      const { delivery, isReplay } = outcome.accepted;
      const replayed = isReplay && { idempotencyReplayed: true };
      const unknown = (warnings[index] ?? []).map(inItem(index));
      return {
        status: "success",
        delivery: deliveryJson(delivery),
        ...replayed,
        ...(unknown.length > 0 && { warnings: unknown }),
      };
    }
    const error = outcome === undefined ? notInTime : outcome.error;
    const known = explained.get(error) ?? explainError(error, log);
    explained.set(error, known);
    const { code, message, details } = known;
    const named = details.map(inItem(index));
    return {
      status: "error",
      error: { code, message, ...(named.length > 0 && { details: named }) },
    };
  };
}

function inItem(index: number) {
  return ({ field, message }: ErrorDetail) => ({ field: fieldOf(field, index), message });
}

/** `body.webhookUrl` of the fourth item → `deliveries[3].webhookUrl`. */
function fieldOf(field: string, index: number): string {
  return field
    .replace(/^body(?=\.|$)/, `deliveries[${index}]`)
    .replace(/^headers\.idempotency-key$/, `deliveries[${index}].idempotencyKey`);
}

function isSuccess({ status }: Result): boolean {
  return status === "success";
}

function isUnavailable(result: Result): boolean {
  return result.status === "error" && result.error.code === "unavailable";
}
