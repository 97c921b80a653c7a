/** Deliveries and attempts in words: one line, a table, or everything. */
import type {
  Attempt,
  Delivery,
  DeliveryWithAttempts,
  Destination,
} from "@webhook-delivery/client";
import { paintState } from "../text/paint.ts";
import { table, type Column } from "../text/table.ts";
import { age, clock, moment, relative, took } from "../text/times.ts";
import { visible, visibleLines } from "../text/visible.ts";
import { whyHeldBack } from "./destination.ts";
import { fields } from "./fields.ts";
import type { Shown, TableShown } from "./shown.ts";

const SHORT_RESULT = 7;
/** What a delivery is about says more than how old it is: better short than gone. */
const WHAT = { min: 10, least: 5 };

function deliveryColumns(now: Date): readonly Column<Delivery>[] {
  return [
    { title: "ID", text: ({ id }) => id },
    {
      title: "STATUS",
      text: ({ status }) => status,
      paint: ({ status }, cell, paint) => paintState(paint, status, cell),
    },
    { title: "TRIES", text: tries, dropOrder: 4 },
    { title: "AGE", text: ({ createdAt }) => age(createdAt, now), dropOrder: 5 },
    { title: "EVENT", text: ({ eventType }) => eventType, ...WHAT, dropOrder: 1 },
    {
      title: "URL",
      text: ({ webhookUrl }) => webhookUrl,
      shortText: ({ webhookUrl }) => webhookUrl.replace(/^https?:\/\//, ""),
      ...WHAT,
      dropOrder: 2,
    },
    {
      title: "RESULT",
      text: (delivery) => result(delivery, now),
      min: SHORT_RESULT,
      dropOrder: 3,
    },
  ];
}

export function deliveryTable(deliveries: readonly Delivery[], shown: TableShown): string[] {
  return table(deliveries, deliveryColumns(shown.now), shown);
}

const STATUS_WIDTH = 9;
const TRIES_WIDTH = 5;

/** As it stands now and since when, on one line. */
export function deliveryLine(delivery: Delivery, { now, paint }: Shown): string {
  const { id, status, eventType, webhookUrl, updatedAt } = delivery;
  return [
    paint("dim", clock(new Date(updatedAt))),
    id,
    paintState(paint, status, status.padEnd(STATUS_WIDTH)),
    tries(delivery).padEnd(TRIES_WIDTH),
    visible(eventType),
    visible(webhookUrl),
    visible(result(delivery, now)),
  ]
    .join("  ")
    .trimEnd();
}

/** `destination`: of one that is pending, where it is known. */
export function describeDelivery(
  delivery: DeliveryWithAttempts,
  shown: Shown & { readonly destination?: Destination | undefined },
): string[] {
  const { now, paint, destination } = shown;
  const status = paintState(paint, delivery.status);
  return [
    `Delivery ${delivery.id}`,
    ...fields([
      ["status", { painted: `${status}, ${tries(delivery)} attempts` }],
      ["result", result(delivery, now) || null],
      ["held back", destination === undefined ? null : whyHeldBack(destination, now)],
      ["to", delivery.webhookUrl],
      ["endpoint", delivery.endpointId],
      ["client", delivery.clientId],
      ["event", delivery.eventType],
      ["lead", delivery.leadId],
      ["format", delivery.format],
      ["test", delivery.isTestDelivery ? "yes" : null],
      ["accepted", moment(delivery.createdAt, now)],
      ["delivered", moment(delivery.deliveredAt, now)],
      ["metadata", delivery.metadata && JSON.stringify(delivery.metadata)],
    ]),
    "",
    "Payload",
    ...visibleLines(JSON.stringify(delivery.payload, null, 2)).map((line) => `  ${line}`),
    "",
    "Body as sent",
    ...visibleLines(delivery.body).map((line) => `  ${line}`),
    "",
    delivery.attempts.length === 0 ? "No attempts yet" : "Attempts",
    ...delivery.attempts.flatMap((attempt) => describeAttempt(attempt, shown)),
  ];
}

/** What happened, and below it what the receiver said. */
export function describeAttempt(attempt: Attempt, { now, paint }: Shown): string[] {
  const { attemptNumber, attemptedAt, responseBody, willRetry, retryAt } = attempt;
  const isAhead = willRetry && retryAt !== null && Date.parse(retryAt) > now.getTime();
  const next = isAhead ? `, next ${relative(retryAt, now)}` : "";
  const state = attempt.errorType === null ? "success" : "failed";
  const what = paintState(paint, state, visible(attemptResult(attempt)));
  const head = `  ${attemptNumber}  ${attemptedAt}  ${what}${next}`;
  const said = responseBody?.trimEnd() ?? "";
  const body = said === "" ? [] : visibleLines(said);
  return [head, ...body.map((line) => `     ${paint("dim", "|")} ${line}`)];
}

function attemptResult(attempt: Attempt): string {
  const { responseStatus, error, errorType, durationMs, requestUrl } = attempt;
  const status = responseStatus === null ? "" : `${responseStatus} `;
  const problem = errorType === null ? "" : `: ${problemText(errorType, error, responseStatus)}`;
  // Null: it went where the delivery goes.
  const to = requestUrl === null ? "" : ` to ${requestUrl}`;
  return `${status}after ${took(durationMs)}${to}${problem}`;
}

function tries({ attempt, maxAttempts }: Delivery): string {
  return `${attempt}/${maxAttempts}`;
}

/** The latest answer or error, and when it goes on. */
function result(delivery: Delivery, now: Date): string {
  const { responseStatus, errorType, lastError, nextRetryAt, status } = delivery;
  const answer = responseStatus === null ? "" : String(responseStatus);
  const problem = errorType === null ? "" : problemText(errorType, lastError, responseStatus);
  const next = status === "pending" && nextRetryAt !== null ? nextTry(nextRetryAt, now) : "";
  return [answer, problem, next].filter((part) => part !== "").join(", ");
}

function nextTry(at: string, now: Date): string {
  return Date.parse(at) > now.getTime() ? `next ${relative(at, now)}` : "due";
}

/** The text of a bad status says no more than the status does. */
function problemText(type: string, text: string | null, responseStatus: number | null): string {
  if (text === null || text === "") return type;
  return responseStatus === null ? `${type}: ${text}` : text;
}
