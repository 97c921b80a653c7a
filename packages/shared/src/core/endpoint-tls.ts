/**
 * TLS of an endpoint's own: a client certificate, for receivers that ask for one, and the authorities that
 * its receiver's certificate is checked against, instead of the public ones. Stored encrypted and shown as
 * masks. What is given is read as PEM at once, so that no attempt fails by it later.
 */
import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { createSecureContext } from "node:tls";
import { MASKED_VALUE } from "./custom-headers.ts";
import { DomainError } from "./errors.ts";

/** PEM. A certificate has its key beside it. */
export interface EndpointTls {
  /** The receiver's caller, first; then what leads to an authority that the receiver knows. */
  readonly certificate?: string;
  readonly privateKey?: string;
  readonly ca?: string;
}

export const TLS_PARTS = ["certificate", "privateKey", "ca"] as const;
export type TlsPart = (typeof TLS_PARTS)[number];

/** Undefined or a mask: as it is; null: none. */
export type GivenTls = { readonly [Part in TlsPart]?: string | null | undefined };

/** Characters of each. A chain of RSA certificates has about 8,000, a bundle of authorities more. */
export const LONGEST_PEM = 65_536;
const MOST_CERTIFICATES = 50;

/** Throws `invalid_request` with the field and never a value; null: nothing is left. */
export function readEndpointTls(given: GivenTls, kept: EndpointTls = {}): EndpointTls | null {
  const parts = TLS_PARTS.flatMap((part) => {
    const pem = partOf(part, given[part], kept[part]);
    return pem === undefined ? [] : [[part, pem] as const];
  });
  if (parts.length === 0) return null;
  const tls: EndpointTls = Object.fromEntries(parts);
  checkPair(tls);
  if (tls.ca !== undefined) certificatesIn("ca", tls.ca);
  checkContext(tls);
  return tls;
}

export function maskTls(parts: readonly string[]): Record<TlsPart, string | null> | null {
  if (parts.length === 0) return null;
  const mask = (part: TlsPart) => (parts.includes(part) ? MASKED_VALUE : null);
  return { certificate: mask("certificate"), privateKey: mask("privateKey"), ca: mask("ca") };
}

function partOf(
  part: TlsPart,
  given: string | null | undefined,
  kept: string | undefined,
): string | undefined {
  if (given === undefined) return kept;
  if (given === null) return undefined;
  if (given === MASKED_VALUE) {
    return kept ?? refuse(part, `${MASKED_VALUE} stands for what is stored, and nothing is`);
  }
  if (given.length > LONGEST_PEM) refuse(part, `must be ${LONGEST_PEM} characters or shorter`);
  return asLines(given);
}

/** As it is copied from a variable of the environment: in one line. */
function asLines(pem: string): string {
  const lines = pem.includes("\n") ? pem : pem.replaceAll(String.raw`\n`, "\n");
  return `${lines.replaceAll("\r", "").trim()}\n`;
}

function checkPair({ certificate, privateKey }: EndpointTls): void {
  if (certificate === undefined && privateKey === undefined) return;
  if (certificate === undefined) refuse("certificate", "is missing: a private key alone is no use");
  if (privateKey === undefined) refuse("privateKey", "is missing: a certificate needs its key");
  const [own] = certificatesIn("certificate", certificate);
  if (!own.checkPrivateKey(keyIn(privateKey))) {
    refuse("privateKey", "is not the key of the first certificate");
  }
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g;

function certificatesIn(
  part: "certificate" | "ca",
  pem: string,
): readonly [X509Certificate, ...X509Certificate[]] {
  const blocks = [...pem.matchAll(BLOCK)];
  if (blocks.some(([, label]) => label !== "CERTIFICATE")) {
    refuse(part, "must hold certificates only (BEGIN CERTIFICATE)");
  }
  if (blocks.length > MOST_CERTIFICATES) {
    refuse(part, `must be ${MOST_CERTIFICATES} certificates or fewer`);
  }
  const [first, ...others] = blocks.map(([block]) => certificateIn(part, block));
  return first === undefined
    ? refuse(part, "must be a certificate in PEM (BEGIN CERTIFICATE)")
    : [first, ...others];
}

function certificateIn(part: TlsPart, block: string): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch {
    return refuse(part, "holds a certificate that cannot be read");
  }
}

function keyIn(pem: string): KeyObject {
  if (/BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(pem)) {
    refuse("privateKey", "is encrypted: give it without a passphrase; it is stored encrypted");
  }
  try {
    return createPrivateKey({ key: pem, format: "pem" });
  } catch {
    return refuse("privateKey", "must be a private key in PEM (BEGIN PRIVATE KEY)");
  }
}

/** Whatever else TLS would refuse later, such as a key that is too short. */
function checkContext({ certificate, privateKey, ca }: EndpointTls): void {
  try {
    createSecureContext({ cert: certificate, key: privateKey, ca });
  } catch {
    refuse(certificate === undefined ? "ca" : "certificate", "cannot be used for TLS");
  }
}

function refuse(part: TlsPart, message: string): never {
  throw new DomainError("invalid_request", "What is given for TLS cannot be used.", [
    { field: `body.tls.${part}`, message },
  ]);
}
