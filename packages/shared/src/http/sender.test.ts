import zlib from "node:zlib";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { parseCidr } from "../core/address.ts";
import { httpAnswer, startReceiver } from "./raw-receiver.fixture.ts";
import { type Sender, type SenderOptions, createSender } from "./sender.ts";

const LOOPBACK = ["127.0.0.0/8", "::1/128"].flatMap((text) => parseCidr(text) ?? []);

const senders: Sender[] = [];
afterEach(async () => {
  await Promise.all(senders.splice(0).map((sender) => sender.close()));
});

function openSender(options: Partial<SenderOptions> = {}): Sender {
  const sender = createSender({
    allowedCidrs: LOOPBACK,
    requireHttps: false,
    responseBodyLimit: 1_000,
    ...options,
  });
  senders.push(sender);
  return sender;
}

/** Longer than a connection rests before it is used again, shorter than it is kept. */
const A_MOMENT_MS = 60;

function request(url: string, timeoutMs = 5_000): Parameters<Sender["send"]>[0] {
  return { url, headers: { "content-type": "application/json" }, body: '{"a":1}', timeoutMs };
}

describe("what is sent", () => {
  it("posts the body, the headers and nothing of its own that would change them", async () => {
    await using receiver = await startReceiver(({ socket }) => socket.write(httpAnswer("200 OK")));
    await openSender().send({
      url: `${receiver.url}?a=b#c`,
      headers: { "content-type": "application/json", "webhook-id": "msg_1" },
      body: new TextEncoder().encode('{"name":"Zoë"}'),
      timeoutMs: 5_000,
    });
    expect(receiver.requests.map((text) => text.split("\r\n"))).toEqual([
      [
        "POST /hook?a=b HTTP/1.1",
        `host: 127.0.0.1:${receiver.port}`,
        "connection: keep-alive",
        "content-type: application/json",
        "webhook-id: msg_1",
        "content-length: 15",
        "",
        Buffer.from('{"name":"Zoë"}').toString("latin1"),
      ],
    ]);
  });

  it("ignores proxy variables", async () => {
    await using proxy = await startReceiver(({ socket }) => socket.write(httpAnswer("502 Proxy")));
    await using receiver = await startReceiver(({ socket }) => socket.write(httpAnswer("200 OK")));
    process.env["HTTP_PROXY"] = process.env["http_proxy"] = proxy.url;
    try {
      expect(await openSender().send(request(receiver.url))).toMatchObject({ status: 200 });
    } finally {
      delete process.env["HTTP_PROXY"];
      delete process.env["http_proxy"];
    }
    expect(proxy.sockets).toHaveLength(0);
  });

  it.each([
    { fault: { headers: { host: "elsewhere.example.com" } }, message: "host header" },
    { fault: { headers: { "x-a": "b\r\nx-c: d" } }, message: "invalid x-a header" },
    { fault: { headers: { "content-length": "1" } }, message: "content-length" },
    { fault: { timeoutMs: 0 }, message: "timeoutMs" },
    { fault: { timeoutMs: Number.NaN }, message: "timeoutMs" },
  ])("throws at a request that we should never have built: $fault", async ({ fault, message }) => {
    await using receiver = await startReceiver(({ socket }) => socket.write(httpAnswer("200 OK")));
    const sending = openSender().send({ ...request(receiver.url), ...fault });
    await expect(sending).rejects.toThrow(message);
    expect(receiver.requests).toHaveLength(0);
  });
});

describe("what is kept of an answer", () => {
  it.each(["200 OK", "204 No Content", "302 Found", "404 Not Found", "410 Gone", "500 Oops"])(
    "reports %s as a response",
    async (status) => {
      const body = status.startsWith("204") ? "" : "thanks";
      await using receiver = await startReceiver(({ socket }) => {
        const answer = httpAnswer(status, body, "x-a: 1\r\nX-A: 2\r\n");
        socket.write(body === "" ? answer.replace("content-length: 0\r\n", "") : answer);
      });
      const result = await openSender().send(request(receiver.url));
      expect(result).toMatchObject({ kind: "response", status: Number(status.slice(0, 3)), body });
      expect(result).toMatchObject({ headers: { "x-a": "1, 2" } });
      expect(result.durationMs).toBeGreaterThanOrEqual(0);
    },
  );

  it("does not follow a redirect", async () => {
    await using target = await startReceiver(({ socket }) => socket.write(httpAnswer("200 OK")));
    await using receiver = await startReceiver(({ socket }) =>
      socket.write(httpAnswer("302 Found", "", `location: ${target.url}\r\n`)),
    );
    const result = await openSender().send(request(receiver.url));
    expect(result).toMatchObject({ status: 302, headers: { location: target.url } });
    expect(target.sockets).toHaveLength(0);
  });

  it.each([
    { name: "is cut at the limit", sent: Buffer.from("abcdef"), kept: "abcd" },
    { name: "is cut between characters", sent: Buffer.from("a😀😀😀😀"), kept: "a😀😀😀" },
    {
      name: "may hold invalid UTF-8",
      sent: Buffer.from([0x61, 0xff, 0xc3]),
      kept: "a\uFFFD\uFFFD",
    },
    { name: "may hold NUL", sent: Buffer.from("a\0b"), kept: "a\uFFFDb" },
    {
      name: "may hold encoded surrogates",
      sent: Buffer.from([0xed, 0xa0, 0x80]),
      kept: "\uFFFD".repeat(3),
    },
  ])("a body $name", async ({ sent, kept }) => {
    await using receiver = await startReceiver(({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${sent.length}\r\n\r\n`);
      socket.write(sent);
    });
    const result = await openSender({ responseBodyLimit: 4 }).send(request(receiver.url));
    expect(result).toMatchObject({ body: kept });
  });

  it("names a compressed body instead of decoding it", async () => {
    const bomb = zlib.gzipSync(Buffer.alloc(20_000_000));
    await using receiver = await startReceiver(({ socket }) => {
      socket.write(
        `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`,
      );
      socket.write(bomb);
    });
    const result = await openSender().send(request(receiver.url));
    expect(result).toMatchObject({ status: 200, body: "[gzip body, not decoded]" });
  });

  it("keeps 64 headers, retry-after among them wherever it stands, and tells of the others", async () => {
    const many = Array.from({ length: 200 }, (_, index) => `x-${index}: ${index}\r\n`).join("");
    await using receiver = await startReceiver(({ socket }) =>
      socket.write(httpAnswer("429 Slow down", "", `${many}retry-after: 7\r\n`)),
    );
    const result = await openSender().send(request(receiver.url));
    const headers = result.kind === "response" ? result.headers : {};
    expect(headers["retry-after"]).toBe("7");
    expect(headers["(omitted)"]).toBe("138 more headers");
    expect(Object.keys(headers)).toHaveLength(65);
  });
});

describe("connections", () => {
  it("are used again by the next attempt to the same origin", async () => {
    await using receiver = await startReceiver(({ socket }) => socket.write(httpAnswer("200 OK")));
    const sender = openSender();
    await sender.send(request(receiver.url));
    await delay(A_MOMENT_MS);
    await sender.send(request(receiver.url));
    expect(receiver.requests).toHaveLength(2);
    expect(receiver.sockets).toHaveLength(1);
  });

  it("are not shared by attempts at the same time", async () => {
    await using receiver = await startReceiver(({ socket, requestNumber }) => {
      if (requestNumber === 3)
        for (const each of receiver.sockets) each.write(httpAnswer("200 OK"));
      void socket;
    });
    const sender = openSender();
    await Promise.all([1, 2, 3].map(() => sender.send(request(receiver.url))));
    expect(receiver.sockets).toHaveLength(3);
  });

  it("that the receiver closes right behind its answer cost the next attempt nothing", async () => {
    await using receiver = await startReceiver(({ socket, requestNumber }) => {
      if (socket !== receiver.sockets[0]) socket.write(httpAnswer("201 Created"));
      else if (requestNumber === 1) {
        socket.write(httpAnswer("200 OK"));
        setTimeout(() => socket.end(), 10);
      }
    });
    const sender = openSender();
    await sender.send(request(receiver.url));
    await delay(4);
    expect(await sender.send(request(receiver.url))).toMatchObject({ status: 201 });
    expect(receiver.sockets).toHaveLength(2);
  });

  it("that the receiver closed a moment ago are made anew, within the attempt's own time", async () => {
    await using receiver = await startReceiver(({ socket, requestNumber }) => {
      if (requestNumber === 1) socket.write(httpAnswer("200 OK"));
    });
    const sender = openSender();
    await sender.send(request(receiver.url));
    await delay(A_MOMENT_MS);
    receiver.sockets[0]?.resetAndDestroy();
    const result = await sender.send(request(receiver.url, 200));
    expect(result).toMatchObject({ kind: "timeout", message: "no answer within 200 ms" });
    expect(receiver.requests).toHaveLength(2);
    expect(receiver.sockets).toHaveLength(2);
  });

  it("that are cut after the request was written are not tried again in the same attempt", async () => {
    await using receiver = await startReceiver(({ socket, requestNumber }) => {
      if (requestNumber === 1) socket.write(httpAnswer("200 OK"));
      else socket.resetAndDestroy();
    });
    const sender = openSender();
    await sender.send(request(receiver.url));
    await delay(A_MOMENT_MS);
    expect(await sender.send(request(receiver.url))).toMatchObject({ kind: "network" });
    expect(receiver.requests).toHaveLength(2);
    expect(receiver.sockets).toHaveLength(1);
  });

  it("are closed by the sender after a second without use", async () => {
    await using receiver = await startReceiver(({ socket }) => socket.write(httpAnswer("200 OK")));
    await openSender().send(request(receiver.url));
    const closedAt = once(receiver.sockets[0] ?? process, "close").then(() => performance.now());
    const idleFrom = performance.now();
    expect((await closedAt) - idleFrom).toBeLessThan(1_900);
  });
});

describe("close", () => {
  it("waits for what is in flight, ends idle connections and takes nothing new", async () => {
    const arrived = Promise.withResolvers<() => void>();
    await using receiver = await startReceiver(({ socket, requestNumber }) => {
      if (requestNumber === 1) socket.write(httpAnswer("200 OK"));
      else if (requestNumber === 2) socket.write(httpAnswer("200 OK"));
      else arrived.resolve(() => socket.write(httpAnswer("202 Accepted")));
    });
    const sender = openSender();
    await Promise.all([1, 2].map(() => sender.send(request(receiver.url))));
    await delay(A_MOMENT_MS);
    const sending = sender.send(request(receiver.url));
    const answer = await arrived.promise;
    const ended = Promise.all(receiver.sockets.map((socket) => once(socket, "close")));
    const closing = sender.close();
    await expect(sender.send(request(receiver.url))).rejects.toThrow("closed");
    answer();
    expect(await sending).toMatchObject({ status: 202 });
    await closing;
    expect(await ended).toHaveLength(2);
  });
});
