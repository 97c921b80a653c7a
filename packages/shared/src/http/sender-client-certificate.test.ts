import type net from "node:net";
import { TLSSocket } from "node:tls";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import type { AttemptResult } from "../core/attempt-result.ts";
import { parseCidr } from "../core/address.ts";
import type { EndpointTls } from "../core/endpoint-tls.ts";
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

function send(host: string, port: number, own?: EndpointTls): Promise<AttemptResult> {
  const url = `https://${host}:${port}/hook`;
  return sender.send({ url, headers: {}, body: "{}", timeoutMs: 5_000, ...(own && { tls: own }) });
}

/** Told as "closed before an answer" once, which is what happens to see. */
describe("a receiver that asks for a client certificate is told as such", () => {
  const asking = { ...good, requestCert: true, ca: authority.cert };
  const MISSED = {
    kind: "network",
    code: "CLIENT_CERTIFICATE_REQUIRED",
    message: "the receiver asks for a client certificate, and none was given",
  };

  it.each(["TLSv1.2", "TLSv1.3"] as const)("when it ends the handshake of %s", async (version) => {
    await using receiver = await startReceiver(() => {}, {
      tls: { ...asking, rejectUnauthorized: true, minVersion: version, maxVersion: version },
    });
    for (let attempt = 0; attempt < 5; attempt += 1) {
      expect(await send("hooks.example.com", receiver.port)).toMatchObject(MISSED);
    }
    expect(receiver.requests).toEqual([]);
  });

  it("when it hangs up without a word", async () => {
    await using receiver = await startReceiver(({ socket }) => socket.destroy(), {
      tls: { ...asking, rejectUnauthorized: false },
    });
    expect(await send("hooks.example.com", receiver.port)).toMatchObject(MISSED);
  });

  it("when it answers, which is a response as ever", async () => {
    await using receiver = await startReceiver(
      ({ socket }) => socket.write(httpAnswer("400 Bad Request", "No required SSL certificate")),
      { tls: { ...asking, rejectUnauthorized: false } },
    );
    expect(await send("hooks.example.com", receiver.port)).toMatchObject({
      kind: "response",
      status: 400,
      asksForCertificate: true,
    });
  });

  it("and one that asks for none is not", async () => {
    await using receiver = await startReceiver(({ socket }) => socket.destroy(), { tls: good });
    const result = await send("hooks.example.com", receiver.port);
    expect(result).toMatchObject({ code: "CLOSED_BEFORE_ANSWER" });
  });
});

describe("TLS of an endpoint's own", () => {
  const privateAuthority = makeCertificate({ commonName: "Private Authority" });
  const privateOne = makeCertificate({
    commonName: "hook",
    dnsNames: ["hooks.example.com"],
    issuer: privateAuthority,
  });
  const us = makeCertificate({ commonName: "us", dnsNames: ["us.example"], issuer: authority });
  const stranger = makeCertificate({ commonName: "who", dnsNames: ["who.example"] });
  const asking = { ...good, requestCert: true, rejectUnauthorized: true, ca: authority.cert };
  const answering = ({ socket }: { readonly socket: net.Socket }): void => {
    const peer = socket instanceof TLSSocket ? socket.getPeerCertificate() : undefined;
    socket.write(httpAnswer("200 OK", String(peer?.subject?.CN ?? "nobody")));
  };
  const OURS = { certificate: us.cert, privateKey: us.key };

  it.each(["TLSv1.2", "TLSv1.3"] as const)(
    "a receiver that asks gets the client certificate with %s",
    async (version) => {
      await using receiver = await startReceiver(answering, {
        tls: { ...asking, minVersion: version, maxVersion: version },
      });
      const result = await send("hooks.example.com", receiver.port, OURS);
      expect(result).toMatchObject({ kind: "response", status: 200, body: "us" });
      expect(result).not.toHaveProperty("asksForCertificate");
    },
  );

  it.each(["TLSv1.2", "TLSv1.3"] as const)(
    "one that it does not know is told so, %s",
    async (version) => {
      await using receiver = await startReceiver(answering, {
        tls: { ...asking, minVersion: version, maxVersion: version },
      });
      const unknown = { certificate: stranger.cert, privateKey: stranger.key };
      expect(await send("hooks.example.com", receiver.port, unknown)).toMatchObject({
        kind: "network",
        code: "CLIENT_CERTIFICATE_REFUSED",
      });
      expect(receiver.requests).toEqual([]);
    },
  );

  it("a private authority is trusted by this endpoint, instead of the others, and by no other", async () => {
    await using receiver = await startReceiver(answering, { tls: privateOne });
    await using common = await startReceiver(answering, { tls: good });
    const own = { ca: privateAuthority.cert };
    expect(await send("hooks.example.com", receiver.port, own)).toMatchObject({
      status: 200,
    });
    expect(await send("hooks.example.com", receiver.port)).toMatchObject({ kind: "network" });
    expect(await send("hooks.example.com", common.port, own)).toMatchObject({
      kind: "network",
      code: "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    });
    expect(await send("other.example.com", receiver.port, own)).toMatchObject({
      code: "ERR_TLS_CERT_ALTNAME_INVALID",
    });
  });

  it("connections are not shared by those who have different ones", async () => {
    await using receiver = await startReceiver(answering, {
      tls: { ...asking, rejectUnauthorized: false },
    });
    for (const own of [OURS, undefined, OURS, undefined]) {
      const result = await send("hooks.example.com", receiver.port, own);
      expect(result).toMatchObject({ status: 200, body: own === undefined ? "nobody" : "us" });
      await delay(60);
    }
    expect(receiver.sockets).toHaveLength(2);
  });
});
