/** What a client is made with: where it goes, what is refused, and what never shows. */
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { reset } from "@webhook-delivery/shared/testing/receiver.ts";
import { createClient } from "./client.ts";
import { API_KEY, ID, NEW, scene } from "./scene.fixture.ts";
import { refusal, startScript, success } from "./scripted-server.fixture.ts";

const delivery = { delivery: { id: ID } };

describe("addresses", () => {
  test("a path of the base URL is kept, with or without a slash at its end", async () => {
    await using server = await startScript(success(delivery));
    for (const end of ["/hooks/v1", "/hooks/v1/", "/hooks/v1//", "", "/"]) {
      await createClient({ url: server.url + end, apiKey: API_KEY }).deliveries.get(ID);
    }
    const paths = server.asked.map(({ url }) => url.replace(ID, "ID"));
    const deep = "/hooks/v1/webhook-delivery/ID";
    expect(paths).toEqual([deep, deep, deep, "/webhook-delivery/ID", "/webhook-delivery/ID"]);
  });

  test("an id is one segment, whatever is in it", async () => {
    await using one = await scene([success()]);
    await one.client.endpoints.putForSource("+1 555/../?#%é", {});
    expect(one.server.asked[0]?.url).toBe("/endpoints/by-source/%2B1%20555%2F..%2F%3F%23%25%C3%A9");
    for (const id of ["", ".", "..", "half a pair \ud83e"]) {
      await expect(one.client.endpoints.delete(id)).rejects.toThrow(TypeError);
    }
    expect(one.server.asked).toHaveLength(1);
  });

  test("a query has what was given and nothing else", async () => {
    await using one = await scene([success({ deliveries: [], total: 0, nextCursor: null })]);
    await one.client.deliveries.list({ q: "a&b=c é", limit: 5 });
    await one.client.deliveries.list();
    expect(one.server.asked.map(({ url }) => url)).toEqual([
      "/webhook-delivery?q=a%26b%3Dc+%C3%A9&limit=5",
      "/webhook-delivery",
    ]);
  });
});

test("the API key is in no error, whatever goes wrong", async () => {
  const answers = [reset, { status: 500, body: "oops" }, refusal(401, "unauthorized"), 302];
  for (const answer of answers) {
    await using one = await scene([answer], { maxRetries: 0 });
    expect(await everythingIn(one.client.deliver(NEW))).not.toContain(API_KEY);
  }
  for (const apiKey of [`${API_KEY}\n`, `${API_KEY} `, `${API_KEY}é`, ""]) {
    const make = async () => createClient({ url: "https://example.com", apiKey });
    const said = await everythingIn(make());
    expect(said).toContain("apiKey must be");
    expect(said).not.toContain(API_KEY);
  }
});

test.each([
  { url: "localhost:3000" },
  { url: "/api" },
  { url: "ftp://example.com" },
  { url: "https://user:hunter2@example.com" },
  { url: "https://example.com/?key=hunter2" },
  { timeoutMs: 0 },
  { timeoutMs: Number.NaN },
  { timeoutMs: 2 ** 31 },
  { maxRetries: -1 },
  { maxRetries: 0.5 },
])("options that cannot be used are refused at once: %j", (wrong) => {
  const options = { url: "https://example.com", apiKey: API_KEY, ...wrong };
  const make = () => createClient(options);
  expect(make).toThrow(TypeError);
  expect(make).toThrow(/^(?!.*hunter2)/);
});

test("brings its own fetch when it is given one", async () => {
  const asked: string[] = [];
  const answer = async (url: string | URL | Request) => {
    asked.push(url instanceof Request ? url.url : url.toString());
    return Response.json({ status: "success", ...delivery });
  };
  await using one = await scene([], { url: "https://hooks.example.com/api", fetch: answer });
  expect(await one.client.deliver(NEW)).toEqual({ id: ID });
  expect(asked).toEqual(["https://hooks.example.com/api/webhook-delivery"]);
});

/** An error with all its causes, as a log would show it. */
async function everythingIn(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "",
    (error: unknown) => inspect(error, { depth: null, showHidden: true }),
  );
}
