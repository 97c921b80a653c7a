import { setTimeout as delay } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import type { AttemptResult } from "../core/attempt-result.ts";
import { parseCidr } from "../core/address.ts";
import { makeCertificate } from "./certificate.fixture.ts";
import { httpAnswer, startReceiver } from "./raw-receiver.fixture.ts";
import { createSender } from "./sender.ts";

const authority = makeCertificate({ commonName: "Test Authority" });
const good = makeCertificate({
  commonName: "hook",
  dnsNames: ["hooks.example.com"],
  issuer: authority,
});

const sender = createSender({
  allowedCidrs: ["127.0.0.0/8"].flatMap((text) => parseCidr(text) ?? []),
  requireHttps: true,
  responseBodyLimit: 1_000,
  resolve: () => Promise.resolve([{ address: "127.0.0.1" }]),
  certificateAuthorities: [authority.cert],
});
afterAll(() => sender.close());

function send(host: string, port: number, timeoutMs = 5_000): Promise<AttemptResult> {
  const url = `https://${host}:${port}/hook?token=secret`;
  return sender.send({ url, headers: {}, body: "{}", timeoutMs });
}

describe("over TLS", () => {
  it("delivers to a receiver whose certificate is right, and keeps its connection", async () => {
    await using receiver = await startReceiver(
      ({ socket }) => socket.write(httpAnswer("200 OK", "hi")),
      { tls: good },
    );
    const result = await send("hooks.example.com", receiver.port);
    expect(result).toMatchObject({ kind: "response", status: 200, body: "hi" });
    expect(receiver.requests[0]).toContain(`host: hooks.example.com:${receiver.port}`);
  });

  it("does not repeat a request that was written to a kept connection and cut off", async () => {
    await using receiver = await startReceiver(
      ({ socket, requestNumber }) => {
        if (requestNumber === 1) socket.write(httpAnswer("200 OK"));
        else socket.destroy();
      },
      { tls: good },
    );
    await send("hooks.example.com", receiver.port);
    await delay(60);
    const result = await send("hooks.example.com", receiver.port);
    expect(result).toMatchObject({ kind: "network", code: "CLOSED_BEFORE_ANSWER" });
    expect(receiver.requests).toHaveLength(2);
    expect(receiver.sockets).toHaveLength(1);
  });

  it("accepts the name of a certificate with a trailing dot in the URL", async () => {
    await using receiver = await startReceiver(
      ({ socket }) => socket.write(httpAnswer("200 OK", "hi")),
      { tls: good },
    );
    expect(await send("hooks.example.com.", receiver.port)).toMatchObject({ status: 200 });
  });

  it.each([
    {
      why: "self-signed",
      tls: makeCertificate({ commonName: "x", dnsNames: ["hooks.example.com"] }),
      code: "DEPTH_ZERO_SELF_SIGNED_CERT",
      message: "the TLS certificate is self-signed",
    },
    {
      why: "expired",
      tls: makeCertificate({
        commonName: "x",
        dnsNames: ["hooks.example.com"],
        issuer: authority,
        notAfter: new Date("2021-01-01"),
      }),
      code: "CERT_HAS_EXPIRED",
      message: "the TLS certificate has expired",
    },
    {
      why: "for another host",
      tls: makeCertificate({ commonName: "x", dnsNames: ["other.example.com"], issuer: authority }),
      code: "ERR_TLS_CERT_ALTNAME_INVALID",
      message: "the TLS certificate is for another host name",
    },
    {
      why: "by an unknown authority",
      tls: makeCertificate({
        commonName: "x",
        dnsNames: ["hooks.example.com"],
        issuer: makeCertificate({ commonName: "Nobody" }),
      }),
      code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      message: "the TLS certificate cannot be verified: its chain is incomplete",
    },
  ])("sends nothing under a certificate that is $why", async ({ tls, code, message }) => {
    await using receiver = await startReceiver(() => {}, { tls });
    const result = await send("hooks.example.com", receiver.port);
    expect(result).toMatchObject({ kind: "network", code, message });
    expect(receiver.requests).toHaveLength(0);
  });

  it("verifies certificates even when the environment says not to", async () => {
    await using receiver = await startReceiver(() => {}, {
      tls: makeCertificate({ commonName: "x", dnsNames: ["hooks.example.com"] }),
    });
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    try {
      const result = await send("hooks.example.com", receiver.port);
      expect(result).toMatchObject({ kind: "network", code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
    } finally {
      delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    }
  });

  it("says so when the port speaks no TLS", async () => {
    await using receiver = await startReceiver(() => {});
    receiver.onConnection((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    expect(await send("hooks.example.com", receiver.port)).toMatchObject({
      kind: "network",
      message: "the host does not speak TLS on this port",
    });
  });

  it("gives up a handshake that the receiver never answers", async () => {
    await using receiver = await startReceiver(() => {});
    expect(await send("hooks.example.com", receiver.port, 200)).toMatchObject({
      kind: "timeout",
      message: "no TLS handshake within 200 ms",
    });
  });

  it("reports a handshake that the receiver breaks off", async () => {
    await using receiver = await startReceiver(() => {});
    receiver.onConnection((socket) => socket.end());
    expect(await send("hooks.example.com", receiver.port)).toMatchObject({
      kind: "network",
      code: "ECONNRESET",
    });
  });
});

describe("a receiver that speaks HTTP/2 only is told as such", () => {
  it("when it refuses HTTP/1.1 in the handshake", async () => {
    await using receiver = await startReceiver(() => {}, {
      tls: { ...good, ALPNProtocols: ["h2"] },
    });
    const result = await send("hooks.example.com", receiver.port);
    expect(result).toMatchObject({ kind: "network", code: "HTTP2_ONLY" });
  });

  it.each([
    ["SETTINGS", "\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0d"],
    ["GOAWAY", "\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x01"],
  ])("when it answers with %s", async (_name, frame) => {
    await using receiver = await startReceiver(
      ({ socket }) => socket.end(Buffer.from(frame, "latin1")),
      { tls: good },
    );
    const result = await send("hooks.example.com", receiver.port);
    expect(result).toMatchObject({ kind: "network", code: "HTTP2_ONLY" });
  });
});
