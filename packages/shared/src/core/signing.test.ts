import { createHmac } from "node:crypto";
import * as fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { DomainError } from "./errors.ts";
import { checkSigningSecret, keyBytes, sign } from "./signing.ts";

/** Published by the Standard Webhooks libraries for JavaScript and Rust. */
const VECTORS = [
  {
    secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
    timestamp: 1614265330,
    body: '{"test": 2432232314}',
    signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  },
  {
    secret: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    id: "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
    timestamp: 1649367553,
    body: '{"email":"test@example.com","username":"test_user"}',
    signature: "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
  },
];

const CONTENT = { id: "msg_1", timestamp: 1_700_000_000, body: '{"name":"Zoë 🦊"}' };

/** The reference library's own words for a secret of either kind. */
function reference(secret: string): Webhook {
  return secret.startsWith("whsec_")
    ? new Webhook(secret)
    : new Webhook(new TextEncoder().encode(secret), { format: "raw" });
}

function referenceSignature(secret: string, content: typeof CONTENT): string {
  return reference(secret).sign(content.id, new Date(content.timestamp * 1000), content.body);
}

const whsec = fc
  .uint8Array({ minLength: 1, maxLength: 64 })
  .map((bytes) => `whsec_${Buffer.from(bytes).toString("base64")}`);
const plainSecret = fc
  .string({ unit: "grapheme", minLength: 1 })
  .filter((text) => !text.startsWith("whsec_"));

describe("sign", () => {
  it.each(VECTORS)("gives the published signature of $id", (vector) => {
    expect(sign(vector, [vector.secret])?.standard).toBe(vector.signature);
  });

  it("gives the known plain signature: hex HMAC-SHA256 of the body alone", () => {
    // RFC 4231, test case 2.
    const content = { id: "any", timestamp: 1, body: "what do ya want for nothing?" };
    expect(sign(content, ["Jefe"])?.plain).toBe(
      "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    );
  });

  it("signs with the decoded bytes of a whsec_ secret in both headers", () => {
    const key = Buffer.from("0123456789abcdefghijklmn");
    const signed = sign(CONTENT, [`whsec_${key.toString("base64")}`]);
    expect(signed).toEqual(sign(CONTENT, [key.toString("utf8")]));
    expect(signed?.plain).toBe(
      `sha256=${createHmac("sha256", key).update(CONTENT.body).digest("hex")}`,
    );
  });

  it("agrees with the reference library for both kinds of secret and any body", () => {
    fc.assert(
      fc.property(
        fc.oneof(whsec, plainSecret),
        fc.string({ unit: "grapheme" }),
        fc.integer({ min: 0, max: 4_000_000_000 }),
        (secret, body, timestamp) => {
          const content = { id: CONTENT.id, timestamp, body };
          expect(sign(content, [secret])?.standard).toBe(referenceSignature(secret, content));
        },
      ),
    );
  });

  it("is accepted by the reference library's own check", () => {
    const content = { ...CONTENT, timestamp: Math.floor(Date.now() / 1000) };
    for (const { secret } of VECTORS) {
      const headers = {
        "webhook-id": content.id,
        "webhook-timestamp": String(content.timestamp),
        "webhook-signature": sign(content, [secret])?.standard ?? "",
      };
      expect(reference(secret).verify(content.body, headers)).toEqual({ name: "Zoë 🦊" });
      const changed = content.body.replace("Zoë", "Zoe");
      expect(() => reference(secret).verify(changed, headers)).toThrow("No matching signature");
    }
  });

  it("signs with every secret side by side, the newest first and alone in the plain header", () => {
    const secrets = [VECTORS[0]?.secret ?? "", "an-older-secret"];
    const [newest = "", older = ""] = secrets;
    expect(sign(CONTENT, secrets)).toEqual({
      standard: `${referenceSignature(newest, CONTENT)} ${referenceSignature(older, CONTENT)}`,
      plain: sign(CONTENT, [newest])?.plain,
    });
  });

  it("signs nothing without a secret", () => {
    expect(sign(CONTENT, [])).toBeUndefined();
  });

  it.each(["", "whsec_", "whsec_not base64", "whsec_QUJD="])(
    "refuses the stored secret %j instead of signing with an empty or guessed key",
    (secret) => {
      expect(() => sign(CONTENT, [secret])).toThrow("a stored secret is not usable");
      expect(() => sign(CONTENT, ["usable-secret", secret])).toThrow(/^(?!.*QUJD)/);
    },
  );
});

describe("keyBytes", () => {
  it("decodes what follows whsec_ and takes any other secret as its UTF-8 bytes", () => {
    expect(keyBytes("whsec_AAEC/w==")).toEqual(Buffer.from([0, 1, 2, 255]));
    expect(keyBytes("sécret")).toEqual(Buffer.from("sécret", "utf8"));
    expect(keyBytes("WHSEC_AAEC")).toEqual(Buffer.from("WHSEC_AAEC", "utf8"));
    expect(keyBytes("AAEC/w==")).toEqual(Buffer.from("AAEC/w==", "utf8"));
  });

  it.each([
    "v1,whsec_AAEC/w==",
    "whsec_AAEC/w==\n",
    " whsec_AAEC/w==\r\n",
    "v1,\nwhsec_AAEC\n/w==",
    "whsec_ AAEC/ w==",
    "\uFEFFwhsec_AAEC/w==\u200B",
  ])("reads %j as it is meant", (secret) => {
    expect(keyBytes(secret)).toEqual(Buffer.from([0, 1, 2, 255]));
  });

  it("leaves a secret that was stored before it would be refused as it is", () => {
    expect(keyBytes("plain\n")).toEqual(Buffer.from("plain\n", "utf8"));
  });

  it.each([
    "",
    "whsec_",
    "whsec_AAEC/w",
    "whsec_AAEC/w=",
    "whsec_AAEC_w==",
    "whsec_=",
    "whsec_AAEC====",
  ])("takes %j for no secret", (secret) => {
    expect(keyBytes(secret)).toBeUndefined();
  });
});

describe("checkSigningSecret", () => {
  it.each(["test-secret", "abcd", "whsec_AAECAw==", "éé"])("accepts %j", (secret) => {
    expect(() => checkSigningSecret(secret, "body.secret")).not.toThrow();
  });

  it("gives back the secret that is meant", () => {
    expect(checkSigningSecret("v1,whsec_AAECAw==\n", "body.secret")).toBe("whsec_AAECAw==");
    expect(checkSigningSecret("correct horse battery", "f")).toBe("correct horse battery");
  });

  it.each([
    ["plain-secret\n", "white space"],
    [" plain-secret", "white space"],
    ["plain-secret\u00A0", "white space"],
    ["plain\nsecret", "line break"],
    ["plain\0secret", "control character"],
    ["WHSEC_AAECAw==", "lower case"],
    ["v1,whsec_AAECAw==|v1,whsec_AAECAw==", "one secret"],
    ["whsec_AAECAw== whsec_AAECAw==", "one secret"],
    ['"whsec_AAECAw=="', "nothing around it"],
    ["WEBHOOK_SECRET=whsec_AAECAw==", "nothing around it"],
    ["v2,whsec_AAECAw==", "nothing around it"],
    ["whsk_AAECAw==", "asymmetric"],
    ["v1a,whpk_AAECAw==", "asymmetric"],
    ["v1,whsec_AAECAw", "padding"],
  ])("refuses %j, and says why: %s", (secret, why) => {
    expect(() => checkSigningSecret(secret, "body.secret")).toThrow(
      expect.objectContaining({
        code: "invalid_request",
        details: [{ field: "body.secret", message: expect.stringContaining(why) }],
      }),
    );
  });

  it.each(["", "x", "abc", "whsec_", "whsec_AAEC", "whsec_!!!!!!!!"])(
    "refuses %j as an invalid request",
    (secret) => {
      expect(() => checkSigningSecret(secret, "body.secret")).toThrow(DomainError);
      expect(() => checkSigningSecret(secret, "body.secret")).toThrow(
        expect.objectContaining({ code: "invalid_request" }),
      );
    },
  );

  it("does not repeat the secret in what it says", () => {
    let said = "";
    try {
      checkSigningSecret("whsec_hunter2-is-no-base64", "body.secret");
    } catch (error) {
      said = JSON.stringify(error) + String((error as Error).stack);
    }
    expect(said).toContain("whsec_ must be base64");
    expect(said).not.toContain("hunter2");
  });
});
