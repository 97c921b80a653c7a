/** A request that arrived, in words and as JSON. */
import type { Paint } from "../text/paint.ts";
import { paintState } from "../text/paint.ts";
import { clock } from "../text/times.ts";
import { visible, visibleLines } from "../text/visible.ts";
import type { Verdict } from "./judge.ts";
import type { ReceivedRequest } from "./receiver.ts";

export interface Arrival {
  readonly request: ReceivedRequest;
  readonly verdict: Verdict;
  /** What it is answered with. */
  readonly status: number;
}

export function describeArrival({ request, verdict, status }: Arrival, paint: Paint): string[] {
  const { at, method, path, body, headers } = request;
  const attempt = headerText(headers["x-webhook-attempt"]);
  const known = [
    headerText(headers["x-webhook-event"]),
    attempt === null ? null : `attempt ${attempt}`,
    headerText(headers["webhook-id"]),
    `answered ${status}`,
  ].filter((part) => part !== null);
  return [
    `${paint("dim", clock(at))}  ${visible(`${method} ${path}`)}  ${known.map(visible).join("  ")}`,
    `  signature ${describeVerdict(verdict, paint)}`,
    ...visibleLines(body.toString("utf8").trimEnd()).map((line) => `  ${line}`),
  ];
}

export function arrivalJson({ request, verdict, status }: Arrival) {
  const { at, method, path, headers, body } = request;
  return {
    receivedAt: at.toISOString(),
    method,
    path,
    eventType: headerText(headers["x-webhook-event"]),
    attempt: wholeNumber(headerText(headers["x-webhook-attempt"])),
    webhookId: headerText(headers["webhook-id"]),
    signature: verdict,
    answered: status,
    headers,
    body: body.toString("utf8"),
  };
}

function describeVerdict(verdict: Verdict, paint: Paint): string {
  const state = paintState(paint, verdict.state);
  switch (verdict.state) {
    case "valid":
      return state;
    case "invalid":
      return `${state}: ${visible(verdict.message)} (${verdict.reason})`;
    case "absent":
      return `${state}: the delivery has no secret`;
    case "unchecked":
      return `${state}: give --secret or WEBHOOK_SECRET`;
  }
}

function headerText(value: string | readonly string[] | undefined): string | null {
  return value === undefined ? null : String(value);
}

function wholeNumber(text: string | null): number | null {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null;
}
