/** Each of examples/receivers when something goes wrong: its work, an upload, a second attempt meanwhile. */
import type { ServerResponse } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { standardSecret } from "@webhook-delivery/shared/testing/factories.ts";
import {
  startScript,
  type ScriptedServer,
} from "../../packages/client/src/scripted-server.fixture.ts";
import { answerTo, chunkOf, sendAndLeave } from "./raw-request.ts";
import { copyReceivers } from "./receiver-copy.ts";
import { EXAMPLES, isInstalled, post, signed } from "./receiver-examples.ts";
import { startExample, type ReceiverProcess } from "./receiver-process.ts";

const BODY = '{"amount":1}';
const TOO_LARGE = /^HTTP\/1\.\d 413 /;
/** Of Node or Python. */
const STACK = /^\s+at |Traceback/m;
const stack = new AsyncDisposableStack();

/** What the receivers' work asks: the test says what comes of it. */
let work: ScriptedServer;
let outcome: (response: ServerResponse) => void;
let folder: string;

beforeAll(async () => {
  work = stack.use(await startScript((response) => outcome(response)));
  ({ folder } = stack.use(await copyReceivers(work.url)));
});
beforeEach(() => {
  outcome = (response) => response.end();
});
afterAll(() => stack.disposeAsync());

const fail = (response: ServerResponse): void => {
  response.writeHead(500).end();
};

describe.for(EXAMPLES)("%s", ([name, programIn]) => {
  const isThere = isInstalled(programIn("").command);
  const secret = standardSecret();
  let receiver: ReceiverProcess;

  beforeAll(async () => {
    if (!isThere) return;
    const { command, args } = programIn(folder);
    const env = { WEBHOOK_SECRET: secret, HOST: "0.0.0.0" };
    receiver = await startExample(command, args, env);
  });
  afterAll(() => receiver?.[Symbol.asyncDispose]());

  const timesWorked = ({ "webhook-id": id }: { readonly "webhook-id": string }) =>
    work.asked.filter(({ body }) => body === id).length;

  test.runIf(isThere)("listens where it is told to, and says so", () => {
    expect(receiver.url).toMatch(/^http:\/\/0\.0\.0\.0:\d+\/webhooks$/);
  });

  test.runIf(isThere)(
    "answers 500 while its work fails, and does it when asked again",
    async () => {
      const { standard } = signed(secret, BODY);
      outcome = fail;
      expect(await post(receiver.url, BODY, standard)).toBe(500);
      outcome = (response) => response.end();
      expect(await post(receiver.url, BODY, standard)).toBe(204);
      expect(await post(receiver.url, BODY, standard)).toBe(204);
      expect(timesWorked(standard)).toBe(2);
      expect(receiver.handled()).toHaveLength(1);
    },
  );

  test.runIf(isThere).for([
    [204, (response: ServerResponse): void => void response.end()],
    [500, fail],
  ] as const)(
    "two attempts at once are one piece of work, with one answer: %d",
    async ([status, end]) => {
      const { standard } = signed(secret, BODY);
      const held: ServerResponse[] = [];
      outcome = (response) => held.push(response);
      const before = work.asked.length;
      const first = post(receiver.url, BODY, standard);
      await work.waitFor(before + 1);
      const second = post(receiver.url, BODY, standard);
      // Others come and go meanwhile: by then the second is at work too, if it ever is.
      for (let others = 0; others < 5; others++)
        expect(await post(receiver.url, BODY, {})).toBe(401);
      outcome = end;
      for (const response of held) end(response);
      expect(await Promise.all([first, second])).toEqual([status, status]);
      expect(timesWorked(standard)).toBe(1);
      expect(held).toHaveLength(1);
    },
  );

  test.runIf(isThere)(
    "outlives an upload that breaks off, and has nothing to say of it",
    async () => {
      const before = receiver.complaints();
      await sendAndLeave(receiver.url, "Content-Length: 100", "abc");
      await sendAndLeave(receiver.url, "Transfer-Encoding: chunked", chunkOf("abc"));
      const { standard } = signed(secret, BODY);
      expect(await post(receiver.url, BODY, standard)).toBe(204);
      expect(receiver.complaints().slice(before.length)).not.toMatch(STACK);
    },
  );

  test.runIf(isThere)("answers 413 to what is too large, before all of it is there", async () => {
    const before = receiver.complaints();
    const bytes = "x".repeat(1_100_000);
    const length = `Content-Length: ${bytes.length}`;
    // Express alone reads all of it first, and keeps nothing.
    const [rest, end] = name === "Express" ? [bytes, "0\r\n\r\n"] : ["", ""];
    expect(await answerTo(receiver.url, length, rest)).toMatch(TOO_LARGE);
    const chunked = "Transfer-Encoding: chunked";
    expect(await answerTo(receiver.url, chunked, chunkOf(bytes) + end)).toMatch(TOO_LARGE);
    expect(receiver.complaints().slice(before.length)).not.toMatch(STACK);
  });
});
