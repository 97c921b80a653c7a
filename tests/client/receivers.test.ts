/** Each of examples/receivers as its readers run it: the real worker delivers, forgers are turned away. */
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createClient, type Client } from "@webhook-delivery/client";
import { standardSecret } from "@webhook-delivery/shared/testing/factories.ts";
import {
  API_KEY,
  startService,
  type TestService,
} from "@webhook-delivery/shared/testing/service.ts";
import {
  EXAMPLES,
  isInstalled,
  post as postTo,
  RECEIVERS,
  signed as signedWith,
} from "./receiver-examples.ts";
import { startExample, type ReceiverProcess } from "./receiver-process.ts";

/** Beyond the tolerance of 300, also when a second or two pass meanwhile. */
const OFF_SECONDS = 330;

let service: TestService;
let client: Client;

beforeAll(async () => {
  service = await startService({ backend: "postgres" });
  client = createClient({ url: service.api.url, apiKey: API_KEY });
});

afterAll(() => service[Symbol.asyncDispose]());

describe.for(EXAMPLES)("%s", ([, programIn]) => {
  const { command, args } = programIn(RECEIVERS);
  const isThere = isInstalled(command);
  const secret = standardSecret();
  let receiver: ReceiverProcess;

  beforeAll(async () => {
    if (isThere) receiver = await startExample(command, args, { WEBHOOK_SECRET: secret });
  });
  afterAll(() => receiver?.[Symbol.asyncDispose]());

  const signed = (body: string, secondsAgo?: number) => signedWith(secret, body, secondsAgo);
  const post = async (body: string, headers: Readonly<Record<string, string>>) =>
    postTo(receiver.url, body, headers);

  test.runIf(isThere)("takes what the worker delivers, and does it once", async () => {
    // More than a framework's usual limit of 100 kB.
    const payload = { text: "Zoë 🦊 ".repeat(15_000) };
    const { id } = await client.deliver({
      webhookUrl: receiver.url,
      webhookSecret: secret,
      payload,
      format: "raw",
      eventType: "message.received",
    });
    await service.finished(id);
    expect(await client.deliveries.get(id)).toMatchObject({
      status: "success",
      responseStatus: 204,
    });
    const line = await receiver.waitFor(id);
    const expected = `handled ${id} message.received `;
    expect(line.slice(0, expected.length)).toBe(expected);
    expect(isDeepStrictEqual(JSON.parse(line.slice(expected.length)), payload)).toBe(true);

    await client.deliveries.retry(id);
    await service.attempted(id, 2);
    expect(await client.deliveries.get(id)).toMatchObject({ status: "success", attempt: 2 });
    expect(receiver.handled().filter((one) => one.includes(id))).toHaveLength(1);
  });

  test.runIf(isThere)("takes the plain signature where it is alone", async () => {
    const body = '{"from":"the plain family"}';
    const { plain } = signed(body);
    expect(await post(body, plain)).toBe(204);
    await receiver.waitFor(plain["x-webhook-signature"]);
  });

  test.runIf(isThere)("turns away whatever is not signed, changed or old", async () => {
    const body = '{"amount":1}';
    const { standard, plain } = signed(body);
    const old = signed(body, OFF_SECONDS);
    const ahead = signed(body, -OFF_SECONDS);
    const before = receiver.handled().length;
    expect({
      tampered: await post('{"amount":2}', { ...standard, ...plain }),
      tamperedPlain: await post('{"amount":2}', plain),
      old: await post(body, old.standard),
      oldPlain: await post(body, old.plain),
      ahead: await post(body, ahead.standard),
      unsigned: await post(body, {}),
      weaker: await post(body, { ...standard, ...plain, "webhook-signature": "v1,AAAA" }),
      empty: await post("", standard),
    }).toEqual({
      tampered: 401,
      tamperedPlain: 401,
      old: 401,
      oldPlain: 401,
      ahead: 401,
      unsigned: 401,
      weaker: 401,
      empty: 401,
    });
    expect(await post(body, standard)).toBe(204);
    await receiver.waitFor(standard["webhook-id"]);
    expect(receiver.handled()).toHaveLength(before + 1);
  });
});

test.runIf(isInstalled("python3"))(
  "Python takes what is signed with the older secret while a secret is being changed",
  async () => {
    const [newer, older] = [standardSecret(), standardSecret()];
    const env = { WEBHOOK_SECRET: newer, WEBHOOK_SECRET_OLD: older };
    await using receiver = await startExample("python3", [join(RECEIVERS, "receiver.py")], env);
    const body = '{"amount":1}';
    for (const secret of [newer, older]) {
      const { standard, plain } = signedWith(secret, body);
      expect(await postTo(receiver.url, body, standard)).toBe(204);
      await receiver.waitFor(standard["webhook-id"]);
      expect(await postTo(receiver.url, body, plain)).toBe(204);
      await receiver.waitFor(plain["x-webhook-signature"]);
    }
    const { standard, plain } = signedWith(standardSecret(), body);
    expect(await postTo(receiver.url, body, standard)).toBe(401);
    expect(await postTo(receiver.url, body, plain)).toBe(401);
    expect(receiver.handled()).toHaveLength(4);
  },
);
