/** X.509 certificates for tests, written byte by byte so that no test needs openssl on the machine. */
import crypto from "node:crypto";

export interface TestCertificate {
  /** PEM */
  readonly cert: string;
  /** PEM */
  readonly key: string;
}

export interface Issuer extends TestCertificate {
  readonly commonName: string;
}

/** Self-signed when no issuer is given. */
export function makeCertificate(options: {
  readonly commonName: string;
  readonly dnsNames?: readonly string[];
  readonly issuer?: Issuer;
  readonly notAfter?: Date;
}): Issuer {
  const { commonName, dnsNames = [], issuer, notAfter = new Date("2049-01-01") } = options;
  const pair = crypto.generateKeyPairSync("ec", { namedCurve: "P-256" });
  const signingKey = issuer === undefined ? pair.privateKey : crypto.createPrivateKey(issuer.key);
  const isAuthority = dnsNames.length === 0;
  const body = sequence(
    der(0xa0, integer(2)),
    integer(crypto.randomInt(1, 0x7fff_ffff)),
    ECDSA_WITH_SHA256,
    name(issuer?.commonName ?? commonName),
    sequence(time(new Date("2020-01-01")), time(notAfter)),
    name(commonName),
    pair.publicKey.export({ format: "der", type: "spki" }),
    der(0xa3, sequence(isAuthority ? BASIC_CONSTRAINTS_CA : subjectAltName(dnsNames))),
  );
  const signature = crypto.sign("sha256", body, signingKey);
  const whole = sequence(body, ECDSA_WITH_SHA256, der(0x03, Buffer.from([0]), signature));
  const lines = whole.toString("base64").replaceAll(/(.{64})/g, "$1\n");
  return {
    commonName,
    cert: `-----BEGIN CERTIFICATE-----\n${lines.trimEnd()}\n-----END CERTIFICATE-----\n`,
    key: pair.privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
  };
}

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const length =
    content.length < 0x80 ? [content.length] : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

function sequence(...contents: readonly Buffer[]): Buffer {
  return der(0x30, ...contents);
}

/** One leading zero byte at most, and only where the sign needs it: DER has no other spelling. */
function integer(value: number): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
  return der(0x02, Buffer.alloc((bytes[0] ?? 0) >> 7), bytes);
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, "hex"));
}

function name(commonName: string): Buffer {
  const attribute = sequence(oid("550403"), der(0x0c, Buffer.from(commonName)));
  return sequence(der(0x31, attribute));
}

/** GeneralizedTime, `YYYYMMDDHHMMSSZ`. */
function time(at: Date): Buffer {
  const digits = at.toISOString().replaceAll(/\.\d+|\D/g, "");
  return der(0x18, Buffer.from(`${digits}Z`));
}

function subjectAltName(dnsNames: readonly string[]): Buffer {
  const names = dnsNames.map((each) => der(0x82, Buffer.from(each)));
  return sequence(oid("551d11"), der(0x04, sequence(...names)));
}

const ECDSA_WITH_SHA256 = sequence(oid("2a8648ce3d040302"));
const TRUE = der(0x01, Buffer.from([0xff]));
const BASIC_CONSTRAINTS_CA = sequence(oid("551d13"), TRUE, der(0x04, sequence(TRUE)));
