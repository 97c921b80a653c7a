/** What is held back, as the command line and the client tell it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createClient } from "@webhook-delivery/client";
import {
  holdUntil,
  startReceiver,
  type Receiver,
} from "@webhook-delivery/shared/testing/receiver.ts";
import {
  API_KEY,
  startService,
  type TestService,
} from "@webhook-delivery/shared/testing/service.ts";
import { createWdHere, type WdHere } from "./here.ts";

/** A destination opens only when enough waits for it: this is plenty. */
const BACKLOG = 100;

let service: TestService;
let receiver: Receiver;
let wd: WdHere;

beforeAll(async () => {
  const env = { RETRY_SCHEDULE_SECONDS: "1,1,1" };
  [service, receiver] = await Promise.all([
    startService({ backend: "postgres", env }),
    startReceiver(),
  ]);
  wd = createWdHere({ WEBHOOK_DELIVERY_URL: service.api.url, WEBHOOK_DELIVERY_API_KEY: API_KEY });
});
afterAll(() => Promise.all([service[Symbol.asyncDispose](), receiver[Symbol.asyncDispose]()]));

test("a destination that fails and fails is told as open, and what waits for it as held back", async () => {
  const { url } = receiver.hook(500);
  const key = url.replace("http://", "");
  const client = createClient({ url: service.api.url, apiKey: API_KEY });
  const one = { webhookUrl: url, payload: {} };
  await client.deliverBatch(Array.from({ length: BACKLOG }, () => one));
  const [worker] = service.workers;
  await worker?.waitForLine(
    ({ event, destination }) => event === "destination.open" && destination === key,
  );
  // The newest: a probe takes an older one.
  const { id } = await client.deliver(one);
  const shown = await wd(["show", id]);
  expect(shown).toMatchObject({ code: 0, err: "" });
  expect(shown.out).toMatch(
    new RegExp(`^  held back  ${key} is open since \\S+ \\(http_500\\), (probe in|a probe) `, "m"),
  );
  const asJson = JSON.parse((await wd(["show", id, "--json"])).out) as { status: string };
  expect(asJson.status).toBe("pending");

  const listed = await wd(["destinations", "--state", "open"]);
  expect(listed.out).toMatch(
    new RegExp(`^DESTINATION +STATE +HELD BACK +UNTIL .*\n${key} +open +\\d+ `),
  );
  const found = JSON.parse((await wd(["destinations", key, "--json"])).out) as object;
  expect(found).toMatchObject({ destination: key, state: "open", reason: "http_500" });
  expect(await wd(["destinations", "--state", "half_open"])).toMatchObject({
    out: "",
    err: "No destinations.\n",
  });
  expect(await wd(["destinations", "nowhere.example"])).toMatchObject({ code: 1 });

  const { destinations } = client;
  expect(await destinations.get(key)).toMatchObject({ destination: key, state: "open" });
  const all = [];
  for await (const { destination } of destinations.iterate({ limit: 1 })) all.push(destination);
  expect(all).toEqual([key]);
});

test("show says nothing of a destination that is well, or not known yet", async () => {
  await using other = await startReceiver();
  const released = Promise.withResolvers<void>();
  const hook = other.hook(holdUntil(released.promise));
  const { id } = await service.api.deliver({ webhookUrl: hook.url, payload: {} });
  expect((await wd(["show", id])).out).not.toContain("held back");
  released.resolve();
  await service.finished(id);
});
