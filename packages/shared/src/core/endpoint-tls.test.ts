import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { makeCertificate } from "../http/certificate.fixture.ts";
import { maskTls, readEndpointTls, type GivenTls } from "./endpoint-tls.ts";
import { DomainError } from "./errors.ts";

const authority = makeCertificate({ commonName: "Private Authority" });
const own = makeCertificate({ commonName: "us", dnsNames: ["us.example"], issuer: authority });
const other = makeCertificate({ commonName: "other", dnsNames: ["other.example"] });
const { publicKey, privateKey } = generateKeyPairSync("ec", {
  namedCurve: "P-256",
  publicKeyEncoding: { format: "pem", type: "spki" },
  privateKeyEncoding: { format: "pem", type: "pkcs8", cipher: "aes-256-cbc", passphrase: "x" },
});
const WHOLE = { certificate: own.cert + authority.cert, privateKey: own.key, ca: authority.cert };

function refused(given: GivenTls, kept = {}): string {
  try {
    readEndpointTls(given, kept);
    return "";
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    const said = JSON.stringify(error.details);
    expect(said).not.toContain("PRIVATE KEY-----\n");
    return said;
  }
}

describe("TLS of an endpoint's own", () => {
  it("is a certificate with its key, an authority, or both", () => {
    expect(readEndpointTls(WHOLE)).toEqual(WHOLE);
    expect(readEndpointTls({ ca: authority.cert })).toEqual({ ca: authority.cert });
    expect(readEndpointTls({})).toBeNull();
  });

  it("is read as it is copied from Windows or from a variable", () => {
    expect(readEndpointTls({ ca: authority.cert.replaceAll("\n", "\r\n") })).toEqual({
      ca: authority.cert,
    });
    expect(readEndpointTls({ ca: authority.cert.replaceAll("\n", String.raw`\n`) })).toEqual({
      ca: authority.cert,
    });
  });

  it("changes in what is given; null and a mask mean none and as it is", () => {
    expect(readEndpointTls({ ca: null }, WHOLE)).toEqual({
      certificate: WHOLE.certificate,
      privateKey: WHOLE.privateKey,
    });
    expect(readEndpointTls({ certificate: null, privateKey: null }, WHOLE)).toEqual({
      ca: WHOLE.ca,
    });
    expect(readEndpointTls({ certificate: "***", privateKey: "***", ca: "***" }, WHOLE)).toEqual(
      WHOLE,
    );
    expect(readEndpointTls({ certificate: null, privateKey: null, ca: null }, WHOLE)).toBeNull();
  });

  it.each([
    ["a certificate without its key", { certificate: own.cert }, "privateKey"],
    ["a key without its certificate", { privateKey: own.key }, "certificate"],
    ["another one's key", { certificate: own.cert, privateKey: other.key }, "first certificate"],
    ["no PEM", { certificate: "hello", privateKey: own.key }, "BEGIN CERTIFICATE"],
    ["an empty text", { ca: "" }, "BEGIN CERTIFICATE"],
    ["a key for an authority", { ca: own.key }, "certificates only"],
    ["a broken certificate", { ca: authority.cert.replace(/MII/, "AAA") }, "cannot be read"],
    ["a public key", { certificate: own.cert, privateKey: publicKey }, "BEGIN PRIVATE KEY"],
    ["a key with a passphrase", { certificate: own.cert, privateKey }, "encrypted"],
    ["too much", { ca: authority.cert.repeat(200) }, "characters or shorter"],
    ["too many", { ca: authority.cert.repeat(60) }, "certificates or fewer"],
    ["a mask of nothing", { ca: "***" }, "nothing is"],
  ])("is not %s", (_name, given, why) => {
    expect(refused(given)).toContain(why);
  });

  it("cannot lose half of a pair", () => {
    expect(refused({ privateKey: null }, WHOLE)).toContain("body.tls.privateKey");
    expect(refused({ certificate: other.cert }, WHOLE)).toContain("first certificate");
  });

  it("is shown as masks", () => {
    expect(maskTls([])).toBeNull();
    expect(maskTls(["ca"])).toEqual({ certificate: null, privateKey: null, ca: "***" });
  });
});
