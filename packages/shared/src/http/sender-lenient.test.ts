import type net from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { AttemptResult } from "../core/attempt-result.ts";
import { parseCidr } from "../core/address.ts";
import { httpAnswer, startReceiver } from "./raw-receiver.fixture.ts";
import { createSender } from "./sender.ts";

const sender = createSender({
  allowedCidrs: ["127.0.0.0/8"].flatMap((text) => parseCidr(text) ?? []),
  requireHttps: false,
  responseBodyLimit: 1_000,
});

function send(url: string): Promise<AttemptResult> {
  return sender.send({ url, headers: {}, body: "{}", timeoutMs: 5_000 });
}

type Behaviour = readonly [name: string, behave: (socket: net.Socket) => void];

const EARLY_HINTS = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";

/**
 * Met in the field: a receiver that sends `100 Continue` unasked had each delivery once per attempt, and
 * none of them counted.
 */
describe("what browsers and curl read is read", () => {
  const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
  const OK = httpAnswer("200 OK", "ok");
  const pieces = (socket: net.Socket, texts: readonly string[]): void => {
    socket.setNoDelay(true);
    texts.forEach((text, at) => setTimeout(() => socket.write(text), at * 5));
  };
  const behaviours: readonly (readonly [number, ...Behaviour])[] = [
    [1, "continues unasked", (socket) => socket.write(CONTINUE + OK)],
    [
      1,
      "continues twice, and hints",
      (socket) => socket.write(CONTINUE.repeat(2) + EARLY_HINTS + OK),
    ],
    [1, "continues in pieces", (socket) => pieces(socket, [...CONTINUE.split(/(?=[C\r\n])/), OK])],
    [1, "continues, and answers later", (socket) => pieces(socket, [CONTINUE, OK])],
    [2, "ends lines in LF", (socket) => socket.write("HTTP/1.1 200 OK\ncontent-length: 2\n\nok")],
    [
      2,
      "says its length twice",
      (socket) =>
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nContent-Length: 2\r\n\r\nok"),
    ],
    [
      2,
      "says its length and sends chunks",
      (socket) =>
        socket.write(
          "HTTP/1.1 200 OK\r\ncontent-length: 9\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        ),
    ],
  ];

  it.each(behaviours)("over %i connections: %s", async (connections, _name, behave) => {
    await using receiver = await startReceiver(({ socket }) => behave(socket));
    for (let delivery = 0; delivery < 2; delivery += 1) {
      const result = await send(receiver.url);
      expect(result).toMatchObject({ kind: "response", status: 200, body: "ok" });
      await delay(60);
    }
    expect(receiver.requests).toHaveLength(2);
    expect(receiver.sockets).toHaveLength(connections);
  });

  it("a late or a stray answer on a kept connection is none to the next request", async () => {
    await using receiver = await startReceiver(({ socket, requestNumber }) => {
      socket.write(OK);
      if (requestNumber === 1) setTimeout(() => socket.write(`${CONTINUE}HTTP/1.1 500 No\r\n`), 5);
    });
    await send(receiver.url);
    await delay(60);
    expect(await send(receiver.url)).toMatchObject({ status: 200, body: "ok" });
    expect(receiver.sockets).toHaveLength(2);
  });

  it.each([
    [
      "the answer is not valid HTTP/1.1: it has two different values of Content-Length",
      httpAnswer("200 OK", "ok", "content-length: 3\r\n"),
    ],
    [
      "the answer is not valid HTTP/1.1: one of its headers cannot be read",
      httpAnswer("200 OK", "ok", "a b: c\r\n"),
    ],
    [
      "the answer is not valid HTTP/1.1: Invalid header value char",
      httpAnswer("200 OK", "", "a: \0\r\n"),
    ],
  ])("what nobody reads is named: %s", async (message, answer) => {
    await using receiver = await startReceiver(({ socket }) => socket.write(answer));
    const result = await send(receiver.url);
    expect(result).toMatchObject({ kind: "network", code: "MALFORMED_ANSWER", message });
  });
});
