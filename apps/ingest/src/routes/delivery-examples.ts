/** A delivery, its payload and its attempt as the API document shows them. */
import { exampleOf } from "@webhook-delivery/shared/core/event-types.ts";

const ID = "019aa5b0-7c00-7000-8000-0000000000d1";

export const deliveryExample = {
  id: ID,
  clientId: null,
  endpointId: null,
  leadId: "test-lead-id",
  eventType: "lead.captured",
  webhookUrl: "https://example.com/webhooks",
  format: "standard",
  status: "pending",
  attempt: 1,
  maxAttempts: 4,
  responseStatus: 503,
  responseBody: "Service Unavailable",
  lastError: "HTTP 503",
  errorType: "http",
  sentAt: "2026-11-21T10:00:00.020Z",
  nextRetryAt: "2026-11-21T10:00:05.090Z",
  deliveredAt: null,
  createdAt: "2026-11-21T10:00:00.000Z",
  updatedAt: "2026-11-21T10:00:00.090Z",
  isTestDelivery: false,
  metadata: null,
};

export const attemptExample = {
  id: "1",
  deliveryId: ID,
  attemptNumber: 1,
  attemptedAt: "2026-11-21T10:00:00.020Z",
  durationMs: 70,
  requestUrl: null,
  requestHeaders: {
    "content-type": "application/json",
    "webhook-id": ID,
    "webhook-timestamp": "1795255200",
  },
  responseStatus: 503,
  responseHeaders: { "content-type": "text/plain" },
  responseBody: "Service Unavailable",
  error: "HTTP 503",
  errorType: "http",
  willRetry: true,
  retryAt: "2026-11-21T10:00:05.090Z",
};

export const payloadExample = exampleOf("lead.captured");
