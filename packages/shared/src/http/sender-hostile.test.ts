import type net from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { AttemptResult } from "../core/attempt-result.ts";
import { parseCidr } from "../core/address.ts";
import { httpAnswer, startReceiver } from "./raw-receiver.fixture.ts";
import { createSender } from "./sender.ts";

const TIMEOUT_MS = 300;
/** What a busy machine may add; a bound that does not hold would wait for ever, or for its 5 s. */
const LATENESS_MS = 3_000;

const sender = createSender({
  allowedCidrs: ["127.0.0.0/8"].flatMap((text) => parseCidr(text) ?? []),
  requireHttps: false,
  responseBodyLimit: 1_000,
});

const timers: NodeJS.Timeout[] = [];
afterEach(() => {
  for (const timer of timers.splice(0)) clearInterval(timer);
});

function send(url: string, timeoutMs = TIMEOUT_MS): Promise<AttemptResult> {
  return sender.send({ url, headers: {}, body: "{}", timeoutMs });
}

function drip(socket: net.Socket, text: string): void {
  socket.setNoDelay(true);
  timers.push(setInterval(() => socket.write(text), 10));
}

/** Writes as fast as the other side reads, until it hangs up. */
function flood(socket: net.Socket, chunk: string): void {
  const pour = (): void => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on("drain", pour);
  pour();
}

const OK_WITH_LENGTH = "HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n";
const OK_CHUNKED = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
const EARLY_HINTS = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";

type Behaviour = readonly [name: string, behave: (socket: net.Socket) => void];

describe("a receiver that keeps the attempt waiting is a timeout", () => {
  const behaviours: readonly Behaviour[] = [
    ["says nothing", () => {}],
    ["stops in the status line", (socket) => socket.write("HTTP/1.1 200")],
    ["stops in the headers", (socket) => socket.write("HTTP/1.1 200 OK\r\nx-a: b\r\n")],
    ["drips headers", (socket) => (socket.write("HTTP/1.1 200 OK\r\n"), drip(socket, "a: b\r\n"))],
    ["drips early hints", (socket) => drip(socket, EARLY_HINTS)],
  ];

  it.each(behaviours)("%s", async (_name, behave) => {
    await using receiver = await startReceiver(({ socket }) => behave(socket));
    const result = await send(receiver.url);
    expect(result).toMatchObject({ kind: "timeout", message: "no answer within 300 ms" });
    expect(result.durationMs).toBeGreaterThanOrEqual(TIMEOUT_MS - 5);
    expect(result.durationMs).toBeLessThan(TIMEOUT_MS + LATENESS_MS);
  });
});

describe("a receiver that breaks off before its answer is a network failure", () => {
  const behaviours: readonly (readonly [string, ...Behaviour])[] = [
    ["ECONNRESET", "resets", (socket) => socket.resetAndDestroy()],
    ["CLOSED_BEFORE_ANSWER", "closes at once", (socket) => socket.end()],
    ["CLOSED_BEFORE_ANSWER", "stops in the status line", (socket) => socket.end("HTTP/1.1 2")],
    [
      "CLOSED_BEFORE_ANSWER",
      "stops in the headers",
      (socket) => socket.end("HTTP/1.1 200 OK\r\na:"),
    ],
    ["CLOSED_BEFORE_ANSWER", "only hints", (socket) => socket.end(EARLY_HINTS)],
    [
      "MALFORMED_ANSWER",
      "switches protocols",
      (socket) =>
        socket.write("HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"),
    ],
    ["MALFORMED_ANSWER", "is no HTTP server", (socket) => socket.write("220 smtp.example.com\r\n")],
    [
      "MALFORMED_ANSWER",
      "sends a bad header",
      (socket) => socket.write("HTTP/1.1 200 OK\r\na b\r\n"),
    ],
    [
      "HEADERS_TOO_LARGE",
      "sends 10,000 headers",
      (socket) => socket.write(httpAnswer("200 OK", "", "x-header: value\r\n".repeat(10_000))),
    ],
    [
      "HEADERS_TOO_LARGE",
      "never ends a header",
      (socket) => (socket.write("HTTP/1.1 200 OK\r\na: "), flood(socket, "a".repeat(9_999))),
    ],
    ["HEADERS_TOO_LARGE", "floods early hints", (socket) => flood(socket, EARLY_HINTS.repeat(100))],
    [
      "HEADERS_TOO_LARGE",
      "never ends its reason",
      (socket) => (socket.write("HTTP/1.1 200 "), flood(socket, "a".repeat(9_999))),
    ],
  ];

  it.each(behaviours)("%s: %s", async (code, _name, behave) => {
    await using receiver = await startReceiver(({ socket }) => behave(socket));
    const result = await send(receiver.url, 5_000);
    expect(result).toMatchObject({ kind: "network", code });
    expect(result.durationMs).toBeLessThan(LATENESS_MS);
    expect(receiver.requests).toHaveLength(1);
  });

  it("also on a connection that was kept", async () => {
    await using receiver = await startReceiver(({ socket, requestNumber }) => {
      if (requestNumber === 1) socket.write(httpAnswer("200 OK"));
      else flood(socket, EARLY_HINTS.repeat(100));
    });
    await send(receiver.url);
    await delay(60);
    expect(await send(receiver.url)).toMatchObject({ kind: "network", code: "HEADERS_TOO_LARGE" });
    expect(receiver.sockets).toHaveLength(1);
  });

  it("refuses connections", async () => {
    const { port } = await startReceiver(() => {}).then(async (receiver) => {
      await receiver[Symbol.asyncDispose]();
      return receiver;
    });
    expect(await send(`http://127.0.0.1:${port}/?token=secret`)).toMatchObject({
      kind: "network",
      code: "ECONNREFUSED",
      message: "the connection was refused",
    });
  });
});

describe("once the status line is there the attempt has its answer", () => {
  const behaviours: readonly (readonly [string, ...Behaviour])[] = [
    ["ab", "hangs in the body", (socket) => socket.write(`${OK_WITH_LENGTH}ab`)],
    [
      "ab",
      "resets in the body",
      (socket) =>
        socket.write(`${OK_WITH_LENGTH}ab`, () => setTimeout(() => socket.resetAndDestroy(), 50)),
    ],
    ["ab", "closes in the body", (socket) => socket.end(`${OK_WITH_LENGTH}ab`)],
    ["ab", "ends its body by closing", (socket) => socket.end("HTTP/1.1 200 OK\r\n\r\nab")],
    ["ab", "breaks its chunks", (socket) => socket.write(`${OK_CHUNKED}2\r\nab\r\nnonsense\r\n`)],
    ["", "closes behind the headers", (socket) => socket.end("HTTP/1.1 200 OK\r\n\r\n")],
  ];

  it.each(behaviours)("with body %j: %s", async (body, _name, behave) => {
    await using receiver = await startReceiver(({ socket }) => behave(socket));
    const result = await send(receiver.url);
    expect(result).toMatchObject({ kind: "response", status: 200, body });
    expect(result.durationMs).toBeLessThan(TIMEOUT_MS + LATENESS_MS);
  });

  it("keeps what a dripping body brought until the timeout", async () => {
    await using receiver = await startReceiver(({ socket }) => {
      socket.write(OK_WITH_LENGTH);
      drip(socket, "x");
    });
    const result = await send(receiver.url);
    expect(result).toMatchObject({ status: 200, body: expect.stringMatching(/^x{2,}$/) });
    expect(result.durationMs).toBeLessThan(TIMEOUT_MS + LATENESS_MS);
  });

  it.each([
    ["of 100 MB", OK_WITH_LENGTH, "x".repeat(65_536)],
    ["without end", "HTTP/1.1 200 OK\r\n\r\n", "x".repeat(65_536)],
    ["of endless chunks", OK_CHUNKED, "1\r\nx\r\n".repeat(10_000)],
  ])("hangs up on a body %s after the part that it keeps", async (_name, head, chunk) => {
    await using receiver = await startReceiver(({ socket }) => {
      socket.write(head);
      flood(socket, chunk);
    });
    const result = await send(receiver.url, 5_000);
    expect(result).toMatchObject({ status: 200, body: "x".repeat(1_000) });
    expect(result.durationMs).toBeLessThan(LATENESS_MS);
    // Most of it never left: what the kernel's buffers take, and no more.
    expect(receiver.sockets[0]?.bytesWritten).toBeLessThan(12_000_000);
  });
});

it("stays small with 50 hostile receivers at once", async () => {
  await using receiver = await startReceiver(({ socket, requestNumber }) => {
    if (requestNumber % 3 === 0) flood(socket, EARLY_HINTS.repeat(100));
    else if (requestNumber % 3 === 1) drip(socket, "HTTP/1.1 200 OK\r\n".slice(0, 1));
    else socket.write(OK_WITH_LENGTH + "x".repeat(3_000));
  });
  const before = process.memoryUsage().rss;
  await Promise.all(Array.from({ length: 50 }, () => send(receiver.url, 1_000)));
  expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
});
