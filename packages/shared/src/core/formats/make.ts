/**
 * Make.com's custom webhook: nested JSON in camelCase. A full queue answers 400, which there means
 * "later": the scenario works it off.
 * https://www.make.com/en/help/tools/webhooks
 */
import type { Format, FormatInput } from "./format.ts";
import { leadView } from "./lead-view.ts";

const HOST = /^hook(?:\.[a-z0-9-]+)?\.make\.com$/;
const QUEUE_IS_FULL = /queue is full/i;

export const make: Format = {
  isFor: (host) => HOST.test(host),
  write: (input) => ({ text: textOf(input) }),
  read({ status, body: text }) {
    if (status !== 400 || !QUEUE_IS_FULL.test(text)) return undefined;
    return {
      isWorthRetrying: true,
      waitMs: 0,
      concerns: "destination",
      message: "Make answered 400: the scenario's queue is full.",
    };
  },
};

function textOf({ eventType, timestamp, subject }: FormatInput): string {
  const lead = leadView(subject);
  if (lead !== undefined) {
    const { title: jobTitle, source, capturedAt, ...fields } = lead.fields;
    return JSON.stringify({
      event: eventType,
      timestamp,
      lead: { ...fields, jobTitle, source, capturedAt },
      campaign: { name: lead.campaignName },
      customFields: lead.customFields,
    });
  }
  const data = subject.kind === "payload" ? subject.payloadText : "null";
  const head = JSON.stringify({ event: eventType, timestamp });
  return `${head.slice(0, -1)},"data":${data}}`;
}
