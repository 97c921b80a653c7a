import type { Attempt, Delivery } from "@webhook-delivery/client";
import { expect, test } from "vitest";
import { plain } from "../text/paint.ts";
import { deliveryTable, describeAttempt } from "./delivery.ts";

const NOW = new Date("2026-11-21T10:00:00.000Z");
const shown = { now: NOW, paint: plain };

const attempt: Attempt = {
  id: "1",
  deliveryId: "01932d5e-7b1a-7c3e-9f00-5a2b7c9d1e3f",
  attemptNumber: 2,
  attemptedAt: "2026-11-21T09:59:58.000Z",
  durationMs: 31,
  requestUrl: null,
  requestHeaders: null,
  responseStatus: 200,
  responseHeaders: null,
  responseBody: null,
  error: null,
  errorType: null,
  willRetry: false,
  retryAt: null,
};
const delivery: Delivery = {
  id: "01932d5e-7b1a-7c3e-9f00-5a2b7c9d1e3f",
  clientId: null,
  endpointId: null,
  leadId: null,
  eventType: "lead.captured",
  webhookUrl: "https://example.com/hook",
  format: "standard",
  status: "pending",
  attempt: 1,
  maxAttempts: 4,
  responseStatus: null,
  responseBody: null,
  lastError: "the connection was refused",
  errorType: "network",
  sentAt: null,
  nextRetryAt: "2026-11-21T10:00:25.000Z",
  deliveredAt: null,
  createdAt: "2026-11-21T09:55:00.000Z",
  updatedAt: "2026-11-21T09:55:00.000Z",
  isTestDelivery: false,
  metadata: null,
};

test("tells how an attempt went, where it went, what was said, and when the next one is", () => {
  expect(describeAttempt(attempt, shown)).toEqual([
    "  2  2026-11-21T09:59:58.000Z  200 after 31 ms",
  ]);
  const failed: Attempt = {
    ...attempt,
    requestUrl: "https://api.kit.com/v4/subscribers",
    responseStatus: 503,
    error: "the receiver answered 503",
    errorType: "http",
    responseBody: "try\nlater \u001b[1A\n\n",
    willRetry: true,
    retryAt: "2026-11-21T10:00:05.000Z",
  };
  expect(describeAttempt(failed, shown)).toEqual([
    "  2  2026-11-21T09:59:58.000Z  503 after 31 ms to https://api.kit.com/v4/subscribers: the receiver answered 503, next in 5s",
    "     | try",
    "     | later \\x1b[1A",
  ]);
  const past = { ...failed, responseBody: null, retryAt: "2026-11-21T09:59:59.000Z" };
  expect(describeAttempt(past, shown)[0]).not.toContain("next");
});

test("lists a delivery with its latest result, and fits the terminal", () => {
  const rows = (columns: number | undefined) => deliveryTable([delivery], { ...shown, columns });
  expect(rows(undefined)).toEqual([
    "ID                                    STATUS   TRIES  AGE  EVENT          URL                       RESULT",
    "01932d5e-7b1a-7c3e-9f00-5a2b7c9d1e3f  pending  1/4    5m   lead.captured  https://example.com/hook  network: the connection was refused, next in 25s",
  ]);
  for (const columns of [60, 80, 100, 120]) {
    for (const row of rows(columns)) expect(row.length).toBeLessThanOrEqual(columns);
  }
  expect(rows(80)[0]?.split(/ +/)).toEqual(["ID", "STATUS", "EVENT", "URL", "RESULT"]);
  expect(rows(60)).toEqual([
    "ID                                    STATUS   EVENT  URL",
    "01932d5e-7b1a-7c3e-9f00-5a2b7c9d1e3f  pending  lead…  examp…",
  ]);
  const due: Delivery = { ...delivery, nextRetryAt: NOW.toISOString() };
  expect(deliveryTable([due], { ...shown, columns: undefined })[1]).toMatch(/refused, due$/);
});
