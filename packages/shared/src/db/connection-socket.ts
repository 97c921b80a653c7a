/**
 * Opens what a connection to PostgreSQL speaks through: one host after the other until one answers, with TLS
 * where the URL asks for it. The driver's own way has no list of hosts that ends, takes a server without
 * TLS for a broken one, and gives up an address after a quarter of a second.
 *
 * The driver waits for no promise that fails (its connection would be lost for good), so a failure is a
 * socket that breaks as soon as it is looked at.
 */
import { once } from "node:events";
import { connect, isIP, Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { ConnectionTarget, Host } from "./connection-target.ts";

const DEFAULT_TIMEOUT_SECONDS = 5;
/** A host that ends a connection this soon does not want it: another one is asked first then. */
const TOO_SOON_MS = 1_000;

export function connectTimeoutSeconds(target: ConnectionTarget): number {
  return target.connectTimeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS;
}

export function createSocketOpener(target: ConnectionTarget): () => Promise<Socket> {
  const { hosts } = target;
  let first = target.tries === "inAnyOrder" ? Math.floor(Math.random() * hosts.length) : 0;
  return async () => {
    let failure: unknown;
    for (let tries = 0; tries < hosts.length; tries++) {
      const at = (first + tries) % hosts.length;
      try {
        const socket = await open(target, hosts[at] as Host);
        first = at;
        const openedAt = performance.now();
        socket.once("close", () => {
          const isTooSoon = performance.now() - openedAt < TOO_SOON_MS;
          if (isTooSoon && first === at) first = (at + 1) % hosts.length;
        });
        return socket;
      } catch (error) {
        failure = error;
      }
    }
    return brokenSocket(failure as Error);
  };
}

function brokenSocket(error: Error): Socket {
  const socket = new Socket();
  // After the driver has begun to listen, and before it writes.
  process.nextTick(() => socket.destroy(error));
  return socket;
}

async function open(target: ConnectionTarget, host: Host): Promise<Socket> {
  const seconds = connectTimeoutSeconds(target);
  const patience = seconds === 0 ? undefined : AbortSignal.timeout(seconds * 1_000);
  const socket = connect(
    host.isSocket
      ? { path: host.address }
      : {
          host: host.address,
          port: host.port,
          // Node.js would give each address but the last a quarter of a second.
          autoSelectFamilyAttemptTimeout: Math.max(1_000, (seconds * 1_000) / 2),
        },
  );
  try {
    await once(socket, "connect", patience && { signal: patience });
    if (host.isSocket || target.tls.encrypts === "never") return socket;
    return await encrypt(socket, { target, host, patience });
  } catch (error) {
    socket.destroy();
    throw explain(error as Error, { host, isLate: patience?.aborted === true });
  }
}

interface Encrypting {
  readonly target: ConnectionTarget;
  readonly host: Host;
  readonly patience: AbortSignal | undefined;
}

/** PostgreSQL's request for TLS: a length of 8 and a number that is no version of the protocol. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

async function encrypt(
  socket: Socket,
  { target, host, patience }: Encrypting,
): Promise<Socket | TLSSocket> {
  const { tls } = target;
  if (!tls.isDirect) {
    socket.write(SSL_REQUEST);
    const answer = await readAnswer(socket, patience);
    if (answer !== "S") {
      if (tls.encrypts === "ifOffered" && answer === "N") return socket;
      throw new TlsError("the server does not offer TLS, which sslmode demands");
    }
  }
  // From here on its trouble is told by the other one.
  socket.on("error", () => {});
  const isName = isIP(host.name) === 0;
  const secure = connectTls({
    socket,
    ...tls.options,
    host: host.name,
    ...(isName && tls.sendsName && { servername: host.name }),
    ...(!tls.checksName && { checkServerIdentity: () => undefined }),
    ...(tls.isDirect && { ALPNProtocols: ["postgresql"] }),
  });
  try {
    await once(secure, "secureConnect", patience && { signal: patience });
  } catch (error) {
    secure.destroy();
    if (patience?.aborted === true) throw error;
    throw new TlsError(explainTls(error as NodeJS.ErrnoException), { cause: error });
  }
  return secure;
}

/** One byte in the clear; whatever comes with it was put there by somebody else (CVE-2021-23222). */
async function readAnswer(socket: Socket, patience: AbortSignal | undefined): Promise<string> {
  const ended = new AbortController();
  const signals = [ended.signal, ...(patience === undefined ? [] : [patience])];
  socket.once("end", () =>
    ended.abort(new TlsError("the server ended the connection when asked for TLS")),
  );
  try {
    const [bytes] = (await once(socket, "data", { signal: AbortSignal.any(signals) })) as [Buffer];
    return bytes.length === 1 ? bytes.toString("latin1") : "";
  } catch (error) {
    // Otherwise it would only say that it was aborted.
    throw ended.signal.aborted ? ended.signal.reason : error;
  }
}

/** Its code means "not now" (client.ts): somebody must mend it, and then the service goes on. */
export class TlsError extends Error {
  override readonly name = "TlsError";
  readonly code = "DATABASE_TLS";
}

function explainTls({ code, message }: NodeJS.ErrnoException): string {
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return `the server's certificate is for another name (${message})`;
  }
  const isUntrusted = /SELF_SIGNED|UNABLE_TO|CERT_UNTRUSTED|ISSUER/.test(code ?? "");
  if (isUntrusted) {
    return `the server's certificate is of a CA that is not trusted: give its file in sslrootcert (${message})`;
  }
  return `TLS with the server failed (${message})`;
}

/** Says which host it is about, and has a code that means the database is away. */
function explain(error: Error, about: { readonly host: Host; readonly isLate: boolean }): Error {
  const { host, isLate } = about;
  const place = host.isSocket ? host.address : `${host.address}:${host.port}`;
  if (error instanceof TlsError)
    return new TlsError(`${place}: ${error.message}`, { cause: error });
  const { code = "", message } = error as NodeJS.ErrnoException;
  const text = isLate ? "no connection in time" : message || code || "not reachable";
  // Of the file system: there is no such socket, or it may not be opened.
  const isNobody =
    host.isSocket && /^E(?:NOENT|NOTSOCK|NOTDIR|ACCES|PERM|LOOP|NAMETOOLONG)$/.test(code);
  // Whatever it was, there is no connection: never our own fault.
  const isSystemCode = /^E[A-Z]+$/.test(code) && !isNobody;
  const told = isLate ? "CONNECT_TIMEOUT" : isSystemCode ? code : "ECONNREFUSED";
  return Object.assign(new Error(`${place}: ${text}`, { cause: error }), { code: told });
}
