import * as fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import { sign } from "@webhook-delivery/shared/core/signing.ts";
import { verify, WebhookVerificationError, type WebhookHeaders } from "./verify.ts";

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

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER = "another secret, not base64";
const BODY = '{"name":"Zoë 🦊"}';
const AT = 1_700_000_000;
const now = new Date(AT * 1_000);

function signed(secrets: readonly string[] = [SECRET], body = BODY, timestamp = AT) {
  const id = "019aa5b0-7c00-7000-8000-0000000000d1";
  const signatures = sign({ id, timestamp, body }, secrets);
  const standard = {
    "webhook-id": id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": signatures?.standard ?? "",
  };
  const plain = {
    "x-webhook-signature": signatures?.plain ?? "",
    "x-webhook-timestamp": String(timestamp),
  };
  const also = { "x-webhook-event": "lead.captured", "x-webhook-attempt": "2" };
  return { id, standard, plain, whole: { ...standard, ...plain, ...also } };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof WebhookVerificationError) return error.code;
  throw new Error("it was not refused as it should be", { cause: error });
}

/** Supabase shows a secret with `v1,`, and a copied one brings white space along. */
test.each([`v1,${SECRET}`, `${SECRET}\n`, ` ${SECRET.slice(0, 20)}\r\n${SECRET.slice(20)}`])(
  "reads the secret %j as it is meant",
  async (secret) => {
    const { whole } = signed();
    await expect(verify(BODY, whole, secret, { now })).resolves.toBeDefined();
  },
);

describe("the standard family", () => {
  test.each(VECTORS)("accepts the published signature of $id", async (vector) => {
    const at = new Date(vector.timestamp * 1_000);
    const headers = {
      "webhook-id": vector.id,
      "webhook-timestamp": String(vector.timestamp),
      "webhook-signature": vector.signature,
    };
    const verified = await verify(vector.body, headers, vector.secret, { now: at });
    expect(verified).toEqual({
      id: vector.id,
      timestamp: at,
      eventType: null,
      attempt: null,
      payload: JSON.parse(vector.body) as unknown,
    });
    const tampered = vector.body.replace("test", "tesT");
    const code = await codeOf(verify(tampered, headers, vector.secret, { now: at }));
    expect(code).toBe("no_matching_signature");
  });

  test("accepts what the reference library signs, whatever the body and the secret", async () => {
    const secrets = fc.uint8Array({ minLength: 1, maxLength: 64 });
    await fc.assert(
      fc.asyncProperty(secrets, fc.json(), async (bytes, body) => {
        const secret = `whsec_${Buffer.from(bytes).toString("base64")}`;
        const headers = {
          "webhook-id": "msg_1",
          "webhook-timestamp": String(AT),
          "webhook-signature": new Webhook(secret).sign("msg_1", now, body),
        };
        const { payload } = await verify(body, headers, secret, { now });
        expect(payload).toEqual(JSON.parse(body));
      }),
    );
  });

  test("tells what it read", async () => {
    const { whole, id } = signed();
    expect(await verify(BODY, whole, SECRET, { now })).toEqual({
      id,
      timestamp: now,
      eventType: "lead.captured",
      attempt: 2,
      payload: { name: "Zoë 🦊" },
    });
  });

  test("decides alone: what is wrong in it is not made good by a right plain signature", async () => {
    const { standard, plain } = signed();
    const wrong = { ...standard, ...plain, "webhook-signature": `v1,${btoa("x".repeat(32))}` };
    expect(await codeOf(verify(BODY, wrong, SECRET, { now }))).toBe("no_matching_signature");
    const { "webhook-signature": _, ...stripped } = { ...standard, ...plain };
    expect(await codeOf(verify(BODY, stripped, SECRET, { now }))).toBe("missing_headers");
    const empty = { ...standard, ...plain, "webhook-signature": "" };
    expect(await codeOf(verify(BODY, empty, SECRET, { now }))).toBe("missing_headers");
  });

  test("is what is missing where there is nothing at all", async () => {
    const missing = / no webhook-id, webhook-timestamp, webhook-signature:/;
    await expect(verify(BODY, {}, SECRET, { now })).rejects.toThrow(missing);
    const half = { "x-webhook-timestamp": String(AT) };
    await expect(verify(BODY, half, SECRET, { now })).rejects.toThrow(/ no x-webhook-signature:/);
  });

  test.each(["webhook-id", "webhook-timestamp", "webhook-signature"])(
    "needs %s, and says so",
    async (name) => {
      const { standard } = signed();
      const headers = { ...standard, [name]: undefined };
      await expect(verify(BODY, headers, SECRET, { now })).rejects.toThrow(name);
      expect(await codeOf(verify(BODY, headers, SECRET, { now }))).toBe("missing_headers");
    },
  );

  test("signs the id and the timestamp too", async () => {
    const { standard } = signed();
    for (const changed of [{ "webhook-id": "other" }, { "webhook-timestamp": String(AT + 1) }]) {
      const code = await codeOf(verify(BODY, { ...standard, ...changed }, SECRET, { now }));
      expect(code).toBe("no_matching_signature");
    }
  });
});

describe("the plain family", () => {
  test("is accepted alone, and its id is the signature", async () => {
    const { plain } = signed();
    const { id, timestamp } = await verify(BODY, plain, SECRET, { now });
    expect({ id, timestamp }).toEqual({ id: plain["x-webhook-signature"], timestamp: now });
  });

  test("refuses another body, another secret and an old timestamp", async () => {
    const { plain } = signed();
    const late = new Date((AT + 301) * 1_000);
    expect(await codeOf(verify(`${BODY} `, plain, SECRET, { now }))).toBe("no_matching_signature");
    expect(await codeOf(verify(BODY, plain, OTHER, { now }))).toBe("no_matching_signature");
    expect(await codeOf(verify(BODY, plain, SECRET, { now: late }))).toBe("timestamp_too_old");
  });

  test("is refused where the standard one is required", async () => {
    const options = { now, requireStandard: true };
    expect(await codeOf(verify(BODY, signed().plain, SECRET, options))).toBe("missing_headers");
    expect(await verify(BODY, signed().whole, SECRET, options)).toMatchObject({ attempt: 2 });
  });
});

describe("secrets", () => {
  test("of either kind, as the service takes them", async () => {
    for (const secret of [SECRET, OTHER, "sécret", "test-secret"]) {
      const { standard, plain } = signed([secret]);
      expect(await verify(BODY, standard, secret, { now })).toBeDefined();
      expect(await verify(BODY, plain, secret, { now })).toBeDefined();
    }
  });

  test("while one is changed: several signatures, several secrets, any of them fits", async () => {
    const both = signed([OTHER, SECRET]);
    for (const known of [SECRET, OTHER, ["neither", SECRET], [OTHER, SECRET]]) {
      expect(await verify(BODY, both.standard, known, { now })).toBeDefined();
    }
    expect(await verify(BODY, both.plain, [SECRET, OTHER], { now })).toBeDefined();
    // Two headers of one name, as the web's Headers join them.
    const list = both.standard["webhook-signature"].replace(" ", ", ");
    const joined = { ...both.standard, "webhook-signature": list };
    expect(await verify(BODY, joined, OTHER, { now })).toBeDefined();
    const code = await codeOf(verify(BODY, both.standard, ["neither", "nor"], { now }));
    expect(code).toBe("no_matching_signature");
  });

  test.each(["", "whsec_", "whsec_not base64", "whsec_QUJD=", "whsec_AAEC/w", []])(
    "%j is none, and is not repeated in what is said",
    async (secret) => {
      const { standard } = signed();
      expect(await codeOf(verify(BODY, standard, secret, { now }))).toBe("invalid_secret");
      await expect(verify(BODY, standard, secret, { now })).rejects.toThrow(/^(?!.*QUJD)/);
    },
  );

  test("one that is missing in the environment is refused, also beside a good one", async () => {
    const unset = undefined as unknown as string;
    expect(await codeOf(verify(BODY, signed().standard, unset, { now }))).toBe("invalid_secret");
    const code = await codeOf(verify(BODY, signed().standard, [SECRET, unset], { now }));
    expect(code).toBe("invalid_secret");
  });
});

describe("time", () => {
  test.each([
    [-300, "accepted"],
    [-301, "timestamp_too_old"],
    [300, "accepted"],
    [301, "timestamp_too_new"],
  ])("a timestamp %d s from now: %s", async (seconds, expected) => {
    const { standard } = signed([SECRET], BODY, AT + seconds);
    const outcome = verify(BODY, standard, SECRET, { now });
    if (expected === "accepted") expect(await outcome).toBeDefined();
    else expect(await codeOf(outcome)).toBe(expected);
  });

  test("another tolerance", async () => {
    const { standard } = signed([SECRET], BODY, AT - 11);
    const strict = verify(BODY, standard, SECRET, { now, toleranceSeconds: 10 });
    expect(await codeOf(strict)).toBe("timestamp_too_old");
    expect(await verify(BODY, standard, SECRET, { now, toleranceSeconds: 11 })).toBeDefined();
  });

  test("the clock decides where no time is given", async () => {
    expect(await codeOf(verify(BODY, signed().standard, SECRET))).toBe("timestamp_too_old");
    const fresh = signed([SECRET], BODY, Math.floor(Date.now() / 1_000));
    expect(await verify(BODY, fresh.standard, SECRET)).toBeDefined();
  });

  test.each(["soon", "1700000000.5", "-1", "1e9", "0x65", " ", "99999999999999"])(
    "%j is no timestamp",
    async (timestamp) => {
      const headers = { ...signed().standard, "webhook-timestamp": timestamp };
      expect(await codeOf(verify(BODY, headers, SECRET, { now }))).toBe("invalid_timestamp");
    },
  );

  test("a tolerance or a time that nothing can be compared with lets nothing through", async () => {
    const { standard } = signed();
    for (const options of [
      { now, toleranceSeconds: Number.NaN },
      { now, toleranceSeconds: -1 },
      { now: new Date("never") },
    ]) {
      await expect(verify(BODY, standard, SECRET, options)).rejects.toThrow(TypeError);
    }
  });
});

describe("what it takes", () => {
  test("headers of any kind, with names in any case", async () => {
    const { standard } = signed();
    const upper = Object.entries(standard).map(([name, value]) => [name.toUpperCase(), value]);
    const lists = Object.entries(standard).map(([name, value]) => [name, [value]]);
    const kinds: WebhookHeaders[] = [
      standard,
      new Headers(standard),
      Object.fromEntries(upper) as Record<string, string>,
      Object.fromEntries(lists) as Record<string, string[]>,
    ];
    for (const headers of kinds) {
      expect(await verify(BODY, headers, SECRET, { now })).toBeDefined();
    }
  });

  test("the raw body as text, bytes, a part of a buffer, or an ArrayBuffer", async () => {
    const { standard } = signed();
    const bytes = new TextEncoder().encode(BODY);
    const part = Buffer.from(`before${BODY}after`).subarray(6, 6 + bytes.length);
    for (const body of [BODY, bytes, Buffer.from(BODY), part, bytes.buffer]) {
      expect(await verify(body, standard, SECRET, { now })).toBeDefined();
    }
  });

  test("a parsed body is a mistake of the receiver's, not of the sender's", async () => {
    for (const body of [{ name: "Zoë 🦊" }, undefined, null, 1] as unknown as string[]) {
      await expect(verify(body, signed().standard, SECRET, { now })).rejects.toThrow(
        /^verify needs the body as it came/,
      );
    }
  });

  test("a signed body that is no JSON", async () => {
    for (const body of ["", "{", '﻿{"a":1'] as const) {
      const { standard } = signed([SECRET], body);
      expect(await codeOf(verify(body, standard, SECRET, { now }))).toBe("invalid_json");
    }
  });
});

test("garbage is refused with a code, never accepted", async () => {
  const names = ["webhook-id", "webhook-timestamp", "webhook-signature", "x-webhook-signature"];
  const value = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("v1,", "v1", "sha256=", String(AT), `v1,${btoa("x".repeat(32))}`),
    fc.array(fc.string()),
    fc.constant(undefined),
  );
  const headers = fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), value);
  const body = fc.oneof(fc.string(), fc.uint8Array());
  await fc.assert(
    fc.asyncProperty(headers, body, async (garbage, raw) => {
      const code = await codeOf(verify(raw, garbage, [SECRET, OTHER], { now }));
      expect(["missing_headers", "invalid_timestamp", "no_matching_signature"]).toContain(
        code.replace(/^timestamp_too_(?:old|new)$/, "invalid_timestamp"),
      );
    }),
    { numRuns: 500 },
  );
});

test("no single changed character of the signature passes", async () => {
  const { standard, plain } = signed();
  for (const family of [standard, plain]) {
    const [name = "", value = ""] =
      Object.entries(family).find(([header]) => header.endsWith("signature")) ?? [];
    for (let index = 0; index < value.length; index++) {
      const changed = value.slice(0, index) + "~" + value.slice(index + 1);
      const code = await codeOf(verify(BODY, { ...family, [name]: changed }, SECRET, { now }));
      expect(code).toBe("no_matching_signature");
    }
  }
});
