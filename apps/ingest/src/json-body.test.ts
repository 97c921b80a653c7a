import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { fastify, type FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answerErrors } from "./errors.ts";
import { acceptJsonBodies } from "./json-body.ts";

const LIMIT_BYTES = 10_000;
let app: FastifyInstance;
/** How often a body came through to the route. */
let arrivals = 0;

beforeAll(() => {
  app = fastify({ bodyLimit: LIMIT_BYTES });
  acceptJsonBodies(app);
  answerErrors(app);
  app.post("/echo", async ({ body, bodyText }) => {
    arrivals++;
    return { body: body ?? null, bodyText };
  });
});
afterAll(() => app.close());

async function post(payload: string | Buffer, contentType = "application/json") {
  const headers = contentType === "" ? {} : { "content-type": contentType };
  const response = await app.inject({ method: "POST", url: "/echo", headers, payload });
  return { status: response.statusCode, json: response.json<Answer>() };
}

interface Answer {
  readonly body?: unknown;
  readonly bodyText?: string;
  readonly error?: { readonly code: string; readonly details?: { readonly field: string }[] };
}

async function refusalOf(
  payload: string | Buffer,
  contentType?: string,
): Promise<[number, string]> {
  const before = arrivals;
  const { status, json } = await post(payload, contentType);
  expect(arrivals).toBe(before);
  return [status, json.error?.code ?? "none"];
}

describe("a body", () => {
  it("arrives parsed and, beside it, as it was spelled", async () => {
    const text = ' { "b": 1.0, "a":12345678901234567890, "b":"\\u0041 Zoë 🦊" }\n';
    const { status, json } = await post(text);
    expect(status).toBe(200);
    expect(json).toEqual({ body: JSON.parse(text) as unknown, bodyText: text });
  });

  it.each([
    "application/json",
    "application/json; charset=utf-8",
    "application/json;charset=UTF-8",
    "application/json ; charset=utf-8",
    "Application/JSON",
    "application/cloudevents+json",
    "application/vnd.api.v2+json; charset=utf-8",
  ])("is read as JSON when it says %s", async (contentType) => {
    expect(await post("[1]", contentType)).toMatchObject({ status: 200, json: { body: [1] } });
  });

  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/jsonp",
    "application/xml",
    "text/json5",
    "multipart/form-data; boundary=x",
  ])("is refused when it says %s", async (contentType) => {
    expect(await refusalOf("[1]", contentType)).toEqual([415, "unsupported_media_type"]);
  });

  it("may be empty, which is no value", async () => {
    expect(await post("")).toEqual({ status: 200, json: { body: null, bodyText: "" } });
  });

  it("may begin with a byte order mark, which is no part of the text", async () => {
    expect(await post('\ufeff{"a":1}')).toEqual({
      status: 200,
      json: { body: { a: 1 }, bodyText: '{"a":1}' },
    });
  });

  it.each(["{", '{"a":1,}', "{'a':1}", "NaN", '{"a":1}}', "undefined", '"\n"', "01", "]]]]"])(
    "is refused when it is no JSON: %j",
    async (text) => {
      expect(await refusalOf(text)).toEqual([400, "invalid_json"]);
    },
  );

  it.each([
    ["a lone continuation byte", [0x80]],
    ["a sequence cut short", [0xe2, 0x82]],
    ["an overlong U+0000", [0xc0, 0x80]],
    ["an encoded surrogate", [0xed, 0xa0, 0x80]],
    ["a code point past U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
    ["Latin-1", [0xe9, 0x22]],
  ])("is refused when it is not UTF-8: %s", async (_what, bytes) => {
    const body = Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')]);
    expect(await refusalOf(body)).toEqual([400, "invalid_utf8"]);
  });

  it("may nest 64 levels deep and no deeper", async () => {
    const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
    expect((await post(nested(64))).status).toBe(200);
    expect(await refusalOf(nested(65))).toEqual([400, "json_too_deep"]);
    expect(await refusalOf(nested(4_000))).toEqual([400, "json_too_deep"]);
    expect(await refusalOf('{"a":'.repeat(1_500))).toEqual([400, "json_too_deep"]);
  });

  it.each([
    [String.raw`{"lead":{"name":"a\u0000b"}}`, "body.lead.name"],
    [String.raw`{"tags":["ok","\ud800"]}`, "body.tags.1"],
    [String.raw`["\udc00\ud800"]`, "body.0"],
    [String.raw`{"a":{"\u0000":1}}`, "body.a"],
    [String.raw`"\u0000"`, "body"],
  ])("is refused with the place of text that cannot be stored: %s", async (text, field) => {
    const before = arrivals;
    const { status, json } = await post(text);
    expect([status, json.error?.code]).toEqual([400, "invalid_text"]);
    expect(json.error?.details).toEqual([{ field, message: "cannot be stored" }]);
    expect(arrivals).toBe(before);
  });

  it("takes a surrogate pair that is written with escapes", async () => {
    const { json } = await post(String.raw`"\ud83e\udd8a"`);
    expect(json.body).toBe("🦊");
  });

  it("is refused when it is larger than the limit", async () => {
    expect(await refusalOf(`"${"x".repeat(LIMIT_BYTES)}"`)).toEqual([413, "payload_too_large"]);
    expect((await post(`"${"x".repeat(LIMIT_BYTES - 2)}"`)).status).toBe(200);
  });

  it("keeps members with the prototype's names to themselves", async () => {
    const { status } = await post('{"__proto__":{"isAdmin":true},"constructor":{"prototype":{}}}');
    expect(status).toBe(200);
    expect(({} as Record<string, unknown>)["isAdmin"]).toBeUndefined();
  });

  it("never causes a 5xx, whatever bytes it holds", async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
      fc.json().map((text) => Buffer.from(text)),
      fc.string({ unit: fc.constantFrom("{", "}", "[", "]", '"', "\\", ",", ":", "1", "u") }),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (body) => {
        expect((await post(body)).status).toBeLessThan(500);
      }),
      { numRuns: 300 },
    );
  });
});

it("that is compressed arrives like any other, and in other ways is refused with what is taken", async () => {
  const send = (coding: string, payload: Buffer) =>
    app.inject({
      method: "POST",
      url: "/echo",
      headers: { "content-type": "application/json", "content-encoding": coding },
      payload,
    });
  expect((await send("gzip", gzipSync('{"a":1}'))).json<Answer>().bodyText).toBe('{"a":1}');
  const refused = await send("zstd", Buffer.from([1, 2, 3]));
  expect([refused.statusCode, refused.headers["accept-encoding"]]).toEqual([
    415,
    "gzip, deflate, br, identity",
  ]);
  expect((await send("gzip", gzipSync(Buffer.alloc(LIMIT_BYTES + 1)))).statusCode).toBe(413);
});
