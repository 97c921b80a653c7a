/**
 * libpq's table of sslmode (PostgreSQL's manual, "SSL Support"):
 *
 *     disable                 never encrypted
 *     allow, prefer           encrypted where the server can; whose server it is, nobody asks
 *     require                 always encrypted; with sslrootcert the chain is checked, as in verify-ca
 *     verify-ca               the certificate's chain is checked
 *     verify-full             the chain, and that it names the host
 *
 * Without a mode it is prefer, and verify-full with sslrootcert=system. Where libpq reads
 * ~/.postgresql/root.crt and has no other, we trust Node.js's CAs too. `allow` would first try without
 * encryption; here it is read as prefer, which reaches the same servers. Sockets are never encrypted.
 */
import { existsSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import tls, { createSecureContext } from "node:tls";
import type { Host, Parameters, Tls } from "./connection-target.ts";

const MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
type Mode = (typeof MODES)[number];

/** Throws an Error whose message completes "DATABASE_URL …". */
export function readTls(parameters: Parameters, hosts: readonly Host[]): Tls {
  const isSystem = parameters.get("sslrootcert") === "system";
  const stated = readMode(parameters.get("sslmode"));
  const mode = stated ?? (isSystem ? "verify-full" : "prefer");
  const isDirect = readNegotiation(parameters.get("sslnegotiation"));
  if (isSystem && mode !== "verify-full" && mode !== "disable") {
    throw new Error(
      "has sslrootcert=system with a weaker sslmode than verify-full: anybody has a certificate",
    );
  }
  const encrypts =
    mode === "disable" ? "never" : mode === "allow" || mode === "prefer" ? "ifOffered" : "always";
  if (isDirect && encrypts !== "always") {
    throw new Error("has sslnegotiation=direct, which needs sslmode=require or stronger");
  }
  const ca = mode === "disable" ? undefined : readCas(parameters.get("sslrootcert"));
  const checksChain =
    mode.startsWith("verify") || (mode === "require" && parameters.has("sslrootcert"));
  return {
    encrypts,
    isDirect,
    checksName: mode === "verify-full",
    sendsName: parameters.get("sslsni") !== "0",
    options: {
      rejectUnauthorized: checksChain,
      ...(encrypts !== "never" && {
        secureContext: readContext(parameters, checksChain ? ca : undefined),
      }),
    },
    warnings: warnOfMode(mode, { isStated: stated !== undefined, checksChain, hosts }),
  };
}

function readMode(text: string | undefined): Mode | undefined {
  if (text === undefined || text === "") return undefined;
  // Heroku's and node-postgres's word for it.
  if (text === "no-verify") return "require";
  const mode = MODES.find((known) => known === text);
  if (mode === undefined) throw new Error(`has a sslmode that is none of ${MODES.join(", ")}`);
  return mode;
}

function readNegotiation(text: string | undefined): boolean {
  if (text === undefined || text === "" || text === "postgres") return false;
  if (text === "direct") return true;
  throw new Error("has a sslnegotiation that is neither postgres nor direct");
}

/** Undefined: Node.js's own, with those of NODE_EXTRA_CA_CERTS. */
function readCas(given: string | undefined): string | string[] | undefined {
  if (given === "system") {
    // Node.js before 22.15 does not know the system's: there it is NODE_EXTRA_CA_CERTS or --use-openssl-ca.
    if (typeof tls.getCACertificates !== "function") return undefined;
    return [...tls.getCACertificates("default"), ...tls.getCACertificates("system")];
  }
  if (given !== undefined && given !== "") return readGivenFile("sslrootcert", given);
  const customary = join(homedir(), ".postgresql", "root.crt");
  return existsSync(customary) ? readGivenFile("sslrootcert", customary) : undefined;
}

function readContext(parameters: Parameters, ca: string | string[] | undefined) {
  const mayShow = parameters.get("sslcertmode") !== "disable";
  const file = (name: string): string | undefined => {
    const path = parameters.get(name);
    return path === undefined || path === "" ? undefined : readGivenFile(name, path);
  };
  const cert = mayShow ? file("sslcert") : undefined;
  const key = mayShow ? file("sslkey") : undefined;
  if ((cert === undefined) !== (key === undefined)) {
    throw new Error("must have sslcert and sslkey together");
  }
  if (cert === undefined && parameters.get("sslcertmode") === "require") {
    throw new Error("has sslcertmode=require without sslcert and sslkey");
  }
  const crl = file("sslcrl");
  const passphrase = parameters.get("sslpassword");
  const minVersion = readVersion(parameters, "ssl_min_protocol_version");
  const maxVersion = readVersion(parameters, "ssl_max_protocol_version");
  try {
    return createSecureContext({
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && key !== undefined && { cert, key }),
      ...(passphrase !== undefined && { passphrase }),
      ...(crl !== undefined && { crl }),
      ...(minVersion !== undefined && { minVersion }),
      ...(maxVersion !== undefined && { maxVersion }),
    });
  } catch (error) {
    const { code } = error as { code?: unknown };
    throw new Error(
      `names files for TLS (sslrootcert, sslcert, sslkey, sslcrl) that cannot be used together (${String(code)})`,
      { cause: error },
    );
  }
}

const VERSIONS = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const;

function readVersion(parameters: Parameters, name: string): (typeof VERSIONS)[number] | undefined {
  const text = parameters.get(name);
  if (text === undefined || text === "") return undefined;
  const version = VERSIONS.find((known) => known === text);
  if (version === undefined)
    throw new Error(`has a ${name} that is none of ${VERSIONS.join(", ")}`);
  return version;
}

function readGivenFile(name: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`names a file in ${name} that cannot be read (${code})`, { cause: error });
  }
  // Of a text without any certificate, Node.js would trust nothing and say nothing.
  if (!text.includes("-----BEGIN ")) throw new Error(`names a file in ${name} that is not PEM`);
  return text;
}

interface Circumstances {
  readonly isStated: boolean;
  readonly checksChain: boolean;
  readonly hosts: readonly Host[];
}

function warnOfMode(mode: Mode, { isStated, checksChain, hosts }: Circumstances): string[] {
  const isFar = hosts.some((host) => !isNear(host));
  if (checksChain) return [];
  const isOptional = mode === "disable" || mode === "allow" || mode === "prefer";
  if (!isFar && (!isStated || mode === "disable")) return [];
  const what = isOptional
    ? "the connection may not be encrypted"
    : "the connection is encrypted, but with whom is not checked";
  const stated = isStated ? `sslmode=${mode}` : "no sslmode";
  return [
    `${stated}: ${what}; sslmode=verify-full (with sslrootcert=FILE for a CA of its own) is safe`,
  ];
}

/** A socket, this machine, or a network of one's own: there a missing sslmode is no news. */
function isNear({ name, address, isSocket }: Host): boolean {
  if (isSocket) return true;
  const version = isIP(address);
  if (version === 4) {
    return /^(?:127|10)\.|^192\.168\.|^172\.(?:1[6-9]|2\d|3[01])\.|^169\.254\./.test(address);
  }
  if (version === 6) return /^(?:::1$|f[cd]|fe80)/i.test(address);
  // Names of a container network have no dot.
  return !name.includes(".") || /\.(?:local|internal|localhost|lan)\.?$/i.test(name);
}
