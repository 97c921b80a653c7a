import { expect, test } from "vitest";
import { reset, type Answer } from "@webhook-delivery/shared/testing/receiver.ts";
import { createClientWithin } from "./client.ts";
import { refusal, startScript, success, type Asked } from "./scripted-server.fixture.ts";
import type { NewBatchItem } from "./types.ts";

interface SentItem {
  readonly payload: { readonly number: number };
  readonly idempotencyKey: string;
}

/** Accepts whatever is asked for; `delivery.id` is the key of each. */
const acceptAll: Answer = (response) => {
  const { body } = last(asked);
  const results = itemsOf(body).map(({ idempotencyKey }) => ({
    status: "success",
    delivery: { id: idempotencyKey },
  }));
  response.end(JSON.stringify({ status: "success", results }));
};

let asked: readonly Asked[] = [];

async function batch(
  answers: readonly Answer[],
  items: readonly NewBatchItem[],
  {
    maxRetries = 3,
    idempotencyKey = "K",
    ...rest
  }: {
    readonly maxRetries?: number;
    readonly idempotencyKey?: string;
    readonly signal?: AbortSignal;
  } = {},
) {
  await using server = await startScript(...answers);
  asked = server.asked;
  const client = createClientWithin(
    { url: server.url, apiKey: "key", maxRetries },
    { now: Date.now, random: () => 0.5, sleep: async () => undefined },
  );
  return await client.deliverBatch(items, { idempotencyKey, ...rest });
}

function numbered(count: number, also: object = {}): NewBatchItem[] {
  return Array.from({ length: count }, (_, number) => ({
    webhookUrl: "https://example.com/",
    payload: { number, ...also },
  }));
}

function itemsOf(body: string): readonly SentItem[] {
  return (JSON.parse(body) as { readonly deliveries: readonly SentItem[] }).deliveries;
}

function last<T>(list: readonly T[]): T {
  const one = list.at(-1);
  if (one === undefined) throw new Error("nothing was asked");
  return one;
}

const sizes = () => asked.map(({ body }) => itemsOf(body).length);

test("nothing is nothing: no request", async () => {
  expect(await batch([acceptAll], [])).toEqual([]);
  expect(asked).toEqual([]);
});

test("each item has a key: its own, or the batch's with its place", async () => {
  const [first, second] = numbered(2);
  const results = await batch([acceptAll], [first ?? {}, { ...second, idempotencyKey: "mine" }]);
  expect(results).toEqual([
    { status: "success", delivery: { id: "K/0" } },
    { status: "success", delivery: { id: "mine" } },
  ]);
});

test("a batch's key leaves room for the place of each item, or nothing is sent", async () => {
  const idempotencyKey = "K".repeat(252);
  const results = await batch([acceptAll], numbered(100), { idempotencyKey });
  expect(results[99]).toEqual({ status: "success", delivery: { id: `${idempotencyKey}/99` } });
  await expect(batch([acceptAll], numbered(101), { idempotencyKey })).rejects.toThrow(
    new TypeError(
      "the idempotencyKey of a batch of 101 may have up to 251 characters: items have it with /0, /1, … behind",
    ),
  );
  expect(asked).toEqual([]);
  const [first, ...rest] = numbered(101).toReversed();
  const ownLast = [...rest, { ...first, idempotencyKey: "mine" }];
  expect(await batch([acceptAll], ownLast, { idempotencyKey })).toHaveLength(101);
});

test("more than 1,000 go in several requests, and come back in order", async () => {
  const results = await batch([acceptAll], numbered(2_300));
  expect(sizes()).toEqual([1_000, 1_000, 300]);
  expect(results).toHaveLength(2_300);
  expect(results[2_299]).toEqual({ status: "success", delivery: { id: "K/2299" } });
});

test("more than fits the usual limit goes in several requests", async () => {
  const results = await batch([acceptAll], numbered(6, { text: "é".repeat(1_000_000) }));
  expect(sizes()).toEqual([2, 2, 2]);
  expect(results.map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => "success"));
});

test("a service that takes less gets less; what is too large by itself is refused by itself", async () => {
  const tooLarge = refusal(413, "payload_too_large");
  const answers = [tooLarge, acceptAll, tooLarge, tooLarge, acceptAll];
  const results = await batch(answers, numbered(4));
  expect(sizes()).toEqual([4, 2, 2, 1, 1]);
  expect(results.map((one) => (one.status === "error" ? one.error.code : one.delivery.id))).toEqual(
    ["K/0", "K/1", "payload_too_large", "K/3"],
  );
});

test("a lost answer is asked for again with the same bytes", async () => {
  await batch([reset, acceptAll], numbered(3));
  expect(asked).toHaveLength(2);
  expect(asked[0]?.body).toBe(asked[1]?.body);
});

const unavailable = { status: "error", error: { code: "unavailable", message: "Not now." } };
const refused = { status: "error", error: { code: "invalid_url", message: "No." } };

test("items that could not be written just then are asked for again, and only those", async () => {
  const results = await batch(
    [success({ results: [unavailable, refused, unavailable] }, 202), acceptAll],
    numbered(3),
  );
  expect(
    asked.map(({ body }) => itemsOf(body).map(({ idempotencyKey }) => idempotencyKey)),
  ).toEqual([
    ["K/0", "K/1", "K/2"],
    ["K/0", "K/2"],
  ]);
  expect(results).toEqual([
    { status: "success", delivery: { id: "K/0" } },
    refused,
    { status: "success", delivery: { id: "K/2" } },
  ]);
});

test("items that can never be written say so in the end", async () => {
  const results = await batch([success({ results: [unavailable] }, 202)], numbered(1), {
    maxRetries: 2,
  });
  expect(asked).toHaveLength(3);
  expect(results).toEqual([unavailable]);
});

test("when nothing was answered it fails as a whole", async () => {
  const options = { maxRetries: 1 };
  await expect(batch([reset], numbered(2), options)).rejects.toThrow("No answer");
  await expect(batch([refusal(401, "unauthorized")], numbered(2_000))).rejects.toMatchObject({
    code: "unauthorized",
  });
  expect(asked).toHaveLength(1);
});

test("what was accepted before a failure is not lost in it", async () => {
  const results = await batch([acceptAll, reset], numbered(2_500), { maxRetries: 1 });
  expect(sizes()).toEqual([1_000, 1_000, 1_000]);
  expect(results).toHaveLength(2_500);
  expect(results[999]).toEqual({ status: "success", delivery: { id: "K/999" } });
  for (const index of [1_000, 1_999, 2_499]) {
    expect(results[index]).toMatchObject({
      status: "error",
      error: {
        code: "connection_failed",
        message: expect.stringContaining("under the idempotencyKey K ") as string,
      },
    });
  }
});

test("an aborted batch ends with the caller's reason", async () => {
  const interest = new AbortController();
  const abort: Answer = () => interest.abort(new Error("never mind"));
  const sent = batch([acceptAll, abort], numbered(2_000), { signal: interest.signal });
  await expect(sent).rejects.toThrow("never mind");
});
