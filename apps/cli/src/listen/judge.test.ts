import { createHmac } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { judge, secretProblem } from "./judge.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY = '{"a":1}';

/** By the reference library. */
function signed(body = BODY, at = new Date(), secret = SECRET) {
  return {
    body: Buffer.from(body),
    headers: {
      "webhook-id": "id",
      "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
      "webhook-signature": new Webhook(secret).sign("id", at, body),
    },
  };
}

test("tells a valid signature, also beside another secret and over a body that is no JSON", async () => {
  expect(await judge(signed(), [SECRET])).toEqual({ state: "valid" });
  expect(await judge(signed(), ["another one", SECRET])).toEqual({ state: "valid" });
  expect(await judge(signed("plain text"), [SECRET])).toEqual({ state: "valid" });
});

test("tells why a signature is not valid", async () => {
  const long = new Date(Date.now() - 3_600_000);
  const { headers } = signed();
  const reasonOf = async (given: Parameters<typeof judge>[0]) => {
    const verdict = await judge(given, [SECRET]);
    return verdict.state === "invalid" ? verdict.reason : verdict.state;
  };
  expect(await reasonOf({ headers, body: Buffer.from('{"a":2}') })).toBe("no_matching_signature");
  expect(await reasonOf(signed(BODY, long))).toBe("timestamp_too_old");
  expect(
    await reasonOf({ headers: { ...headers, "webhook-timestamp": "x" }, body: Buffer.from(BODY) }),
  ).toBe("invalid_timestamp");
});

test("tells the plain signature too", async () => {
  const body = Buffer.from(BODY);
  const headers = {
    "x-webhook-timestamp": String(Math.floor(Date.now() / 1_000)),
    "x-webhook-signature": `sha256=${createHmac("sha256", "plain-secret").update(body).digest("hex")}`,
  };
  expect(await judge({ body, headers }, ["plain-secret"])).toEqual({ state: "valid" });
});

test("tells apart what was not signed and what cannot be checked", async () => {
  const unsigned = { body: Buffer.from(BODY), headers: { "webhook-id": "id" } };
  expect(await judge(unsigned, [SECRET])).toEqual({ state: "absent" });
  expect(await judge(unsigned, [])).toEqual({ state: "absent" });
  expect(await judge(signed(), [])).toEqual({ state: "unchecked" });
});

test("finds a secret that cannot be used before anything arrives", async () => {
  expect(await secretProblem(SECRET)).toBeUndefined();
  expect(await secretProblem("any text")).toBeUndefined();
  expect(await secretProblem("whsec_%%%")).toMatch(/base64/);
});
