import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { type AttemptRequest, buildRequestHeaders } from "./request-headers.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const REQUEST: AttemptRequest = {
  deliveryId: "msg_p5jXN8AQM9LWM0D4loKWxJek",
  eventType: "lead.captured",
  attempt: 2,
  body: '{"test": 2432232314}',
  secrets: [SECRET],
  sentAt: new Date(1_614_265_330_999),
  userAgent: "webhook-delivery/1.2.3",
};

describe("buildRequestHeaders", () => {
  it("builds both header families and nothing else", () => {
    expect(buildRequestHeaders(REQUEST)).toEqual({
      "content-type": "application/json",
      "user-agent": "webhook-delivery/1.2.3",
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
      "x-webhook-signature":
        "sha256=e2cb4f5251572539d458bfb8a7adb533b08801e6a794467e06f771debbb0818b",
      "x-webhook-timestamp": "1614265330",
      "x-webhook-event": "lead.captured",
      "x-webhook-attempt": "2",
      "x-webhook-version": "1.0",
    });
  });

  it("sends no signature header at all without a secret", () => {
    const names = Object.keys(buildRequestHeaders({ ...REQUEST, secrets: [] }));
    expect(names).not.toContain("webhook-signature");
    expect(names).not.toContain("x-webhook-signature");
    expect(names).toContain("webhook-id");
    expect(names).toContain("x-webhook-timestamp");
  });

  it("keeps the id and signs anew with the time of each attempt", () => {
    const first = buildRequestHeaders(REQUEST);
    const next = buildRequestHeaders({
      ...REQUEST,
      attempt: 3,
      sentAt: new Date(REQUEST.sentAt.getTime() + 5_000),
    });
    expect(next["webhook-id"]).toBe(first["webhook-id"]);
    expect(next["webhook-timestamp"]).toBe("1614265335");
    expect(next["webhook-signature"]).not.toBe(first["webhook-signature"]);
    // The plain signature covers the body alone, and the body is the same on every attempt.
    expect(next["x-webhook-signature"]).toBe(first["x-webhook-signature"]);
  });

  it("lets the reference library check it while a rotation lasts, with either secret", () => {
    const older = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const headers = buildRequestHeaders({
      ...REQUEST,
      secrets: [SECRET, older],
      sentAt: new Date(),
    });
    for (const secret of [SECRET, older]) {
      expect(new Webhook(secret).verify(REQUEST.body, headers)).toEqual({ test: 2432232314 });
    }
  });

  it("holds no secret", () => {
    const text = JSON.stringify(buildRequestHeaders(REQUEST));
    expect(text).not.toContain(SECRET.slice("whsec_".length));
  });
});
