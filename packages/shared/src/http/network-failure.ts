/**
 * What a person reads when the network failed. The texts are fixed: an error's own message may quote the
 * URL, an address or bytes of a certificate, so none is passed on.
 */
import { errors } from "undici";

export interface NetworkFailure {
  readonly code: string;
  readonly message: string;
}

/** A failure that we know more of than its code says. Its message is fit to be shown. */
export class KnownFailure extends Error {
  override readonly name = "KnownFailure";
  readonly code: string;

  constructor({ code, message }: NetworkFailure) {
    super(message);
    this.code = code;
  }
}

export const HTTP2_ONLY: NetworkFailure = {
  code: "HTTP2_ONLY",
  message: "the receiver speaks HTTP/2 only, and deliveries are made with HTTP/1.1",
};

const CLIENT_CERTIFICATE_REQUIRED: NetworkFailure = {
  code: "CLIENT_CERTIFICATE_REQUIRED",
  message: "the receiver asks for a client certificate, and none was given",
};

const CLIENT_CERTIFICATE_REFUSED: NetworkFailure = {
  code: "CLIENT_CERTIFICATE_REFUSED",
  message: "the receiver hung up: it does not seem to accept the client certificate",
};

/** What a receiver says in the TLS handshake; OpenSSL's versions spell the rest differently. */
const ALERTS: readonly (readonly [RegExp, NetworkFailure])[] = [
  [/ALERT_NO_APPLICATION_PROTOCOL$/, HTTP2_ONLY],
  [/ALERT_CERTIFICATE_REQUIRED$/, CLIENT_CERTIFICATE_REQUIRED],
  [
    /ALERT_HANDSHAKE_FAILURE$/,
    {
      code: "TLS_HANDSHAKE_REFUSED",
      message:
        "the receiver refused the TLS handshake: no version or cipher in common, or it asks for a client certificate",
    },
  ],
  [
    /ALERT_PROTOCOL_VERSION$|UNSUPPORTED_PROTOCOL$/,
    { code: "TLS_VERSION", message: "the receiver speaks no version of TLS that is still secure" },
  ],
  [
    /UNRECOGNIZED_NAME$/,
    { code: "TLS_NAME", message: "the receiver serves no host of this name over TLS" },
  ],
];

/** Ends a connection without a word of why, or with one about the certificate that it wanted. */
const HANG_UP = /ALERT|^ECONNRESET$|^EPIPE$|^UND_ERR_SOCKET$|^EPROTO$/;

/** `asked`: in the handshake the receiver asked for a certificate of ours; `given`: it got one. */
export function whyHungUp(
  error: unknown,
  { asked, given }: { readonly asked: boolean; readonly given: boolean },
): unknown {
  if (!asked || !HANG_UP.test(codeOf(error) ?? "")) return error;
  return new KnownFailure(given ? CLIENT_CERTIFICATE_REFUSED : CLIENT_CERTIFICATE_REQUIRED);
}

const MESSAGES: Readonly<Record<string, string>> = {
  ENOTFOUND: "the host name was not found",
  ENODATA: "the host name has no address",
  EAI_AGAIN: "the host name could not be looked up just now",
  EAI_FAIL: "the name server failed to look up the host name",
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was reset before an answer",
  EPIPE: "the connection was closed while the request was being sent",
  ECONNABORTED: "the connection was aborted",
  ETIMEDOUT: "the connection could not be made: the host did not respond",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  EADDRNOTAVAIL: "no connection could be made from here to the host's address",
  EPROTO: "the TLS handshake failed",

  UNREACHABLE_THROUGH_PROXY: "the egress proxy could not reach the host",
  CLOSED_BEFORE_ANSWER: "the connection was closed before an answer",
  HEADERS_TOO_LARGE: "the answer's headers are too large or do not end",

  DEPTH_ZERO_SELF_SIGNED_CERT: "the TLS certificate is self-signed",
  SELF_SIGNED_CERT_IN_CHAIN: "the TLS certificate chain ends in a self-signed, untrusted authority",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "the TLS certificate cannot be verified: its chain is incomplete",
  UNABLE_TO_GET_ISSUER_CERT: "the TLS certificate's issuer is unknown",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the TLS certificate's issuer is unknown",
  CERT_HAS_EXPIRED: "the TLS certificate has expired",
  CERT_NOT_YET_VALID: "the TLS certificate is not valid yet",
  CERT_REVOKED: "the TLS certificate was revoked",
  CERT_UNTRUSTED: "the TLS certificate is not trusted",
  ERR_TLS_CERT_ALTNAME_INVALID: "the TLS certificate is for another host name",
  ERR_TLS_CERT_ALTNAME_FORMAT: "the TLS certificate's names are malformed",
  ERR_SSL_WRONG_VERSION_NUMBER: "the host does not speak TLS on this port",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "the host does not speak TLS on this port",
};

/** undici's codes in words of ours, so that stored results outlive a change of library. */
const OUR_CODES: Readonly<Record<string, string>> = {
  UND_ERR_SOCKET: "CLOSED_BEFORE_ANSWER",
  UND_ERR_INFO: "CLOSED_BEFORE_ANSWER",
  UND_ERR_HEADERS_OVERFLOW: "HEADERS_TOO_LARGE",
};

const FAULT_CODES: ReadonlySet<string> = new Set([
  "UND_ERR_INVALID_ARG",
  "UND_ERR_NOT_SUPPORTED",
  "UND_ERR_REQ_CONTENT_LENGTH_MISMATCH",
  "UND_ERR_DESTROYED",
  "UND_ERR_CLOSED",
]);

const BAD_HEADER = "one of its headers cannot be read";

/** Undefined when the error is not the network's doing but a fault of ours. */
export function describeNetworkFailure(error: unknown): NetworkFailure | undefined {
  if (error instanceof KnownFailure) return shown(error);
  if (error instanceof errors.HTTPParserError) return shown(malformed(reasonOf(error)));
  const raw = codeOf(error);
  // undici's word for whatever is wrong behind a Content-Length; before the status it can only be a header.
  if (raw === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH") return shown(malformed(BAD_HEADER));
  if (raw === undefined || FAULT_CODES.has(raw) || raw.startsWith("ERR_INVALID_")) return undefined;
  const alert = ALERTS.find(([pattern]) => pattern.test(raw));
  if (alert !== undefined) return alert[1];
  const code = OUR_CODES[raw] ?? raw;
  return { code, message: MESSAGES[code] ?? fallbackMessage(code) };
}

/** `why` goes on after "the answer is not valid HTTP/1.1:". */
export function malformed(why: string): KnownFailure {
  return new KnownFailure({
    code: "MALFORMED_ANSWER",
    message: `the answer is not valid HTTP/1.1: ${why}`,
  });
}

function shown({ code, message }: KnownFailure): NetworkFailure {
  return { code, message };
}

/** The parser's own fixed words; nothing of the answer is in them. */
function reasonOf({ message }: Error): string {
  const reason = /\((.*)\)$/.exec(message)?.[1];
  return reason === undefined || reason === "" ? "it cannot be parsed" : reason;
}

function fallbackMessage(code: string): string {
  if (code.startsWith("ERR_SSL_") || code.startsWith("ERR_TLS_")) {
    return `the TLS handshake failed (${code})`;
  }
  return `the connection failed (${code})`;
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
