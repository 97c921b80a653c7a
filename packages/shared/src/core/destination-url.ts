/**
 * Which URLs a delivery may be sent to, as far as the text alone can tell.
 *
 * The URL that comes out is the normalised one, and it alone is stored and used: no second parser ever
 * sees the caller's text. Addresses in any spelling (decimal, octal, hex, short, full-width, bracketed)
 * are canonical after WHATWG parsing and are judged here. A name can still resolve to anything: what
 * protects is the lookup's check at connect time; refusing local names here is a courtesy that gives the
 * caller an early, clear answer.
 */
import { type Cidr, type RefusedAddressVerdict, isDeliverable, judgeAddress } from "./address.ts";
import { DomainError } from "./errors.ts";

export interface DestinationRules {
  readonly requireHttps: boolean;
  readonly allowedCidrs: readonly Cidr[];
}

/** Why a destination is refused. */
export type DestinationVerdict =
  | RefusedAddressVerdict
  | "local_name"
  | "malformed_url"
  | "bad_scheme"
  | "https_required"
  | "credentials_in_url"
  | "bad_port"
  | "bad_host_name"
  | "url_too_long";

export type DestinationJudgement =
  | { readonly isRefused: false; readonly url: URL }
  | { readonly isRefused: true; readonly verdict: DestinationVerdict; readonly message: string };

/** The other verdicts are about the address: `address_refused`. */
const ABOUT_THE_URL: ReadonlySet<DestinationVerdict> = new Set<DestinationVerdict>([
  "malformed_url",
  "bad_scheme",
  "https_required",
  "credentials_in_url",
  "bad_port",
  "bad_host_name",
  "url_too_long",
]);

export const MAX_URL_CHARACTERS = 2_048;
/** Bounds the parser's work; text may shrink when it is normalised, though hardly to a quarter. */
const MAX_RAW_CHARACTERS = 4 * MAX_URL_CHARACTERS;
/** RFC 1035 §2.3.4. */
const MAX_NAME_CHARACTERS = 253;

/** Names that by convention exist only inside a network (RFC 6762, RFC 8375, ICANN's `.internal`). */
const LOCAL_DOMAINS = [
  "local",
  "internal",
  "home.arpa",
  "localdomain",
  "lan",
  "intranet",
  "corp",
  "home",
  "private",
];

/** Throws a DomainError, `invalid_url` or `address_refused`, that names `field`. */
export function parseDestination(
  text: string,
  rules: DestinationRules & { readonly field?: string },
): URL {
  const judgement = judgeDestination(text, rules);
  if (!judgement.isRefused) return judgement.url;
  const { verdict, message } = judgement;
  const code = ABOUT_THE_URL.has(verdict) ? "invalid_url" : "address_refused";
  throw new DomainError(code, message, [{ field: rules.field ?? "body.webhookUrl", message }]);
}

/** The same judgement as a value: at send time a refusal is an outcome, not the caller's mistake. */
export function judgeDestination(text: string, rules: DestinationRules): DestinationJudgement {
  if (text.length > MAX_RAW_CHARACTERS) return refuseLength();
  if (hasForbiddenCharacter(text)) {
    return refuse("malformed_url", "the URL contains white space or control characters");
  }
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== "http" && scheme !== "https") {
    return refuse("bad_scheme", "the URL must begin with http:// or https://");
  }
  // WHATWG would also read `http:host` and `http:///host`; whoever wrote that meant something else.
  const url = /^https?:\/\/[^/\\?#]/i.test(text) ? URL.parse(text) : null;
  if (url === null) return refuse("malformed_url", "the URL is not a valid http or https URL");
  if (url.protocol === "http:" && rules.requireHttps) {
    return refuse("https_required", "the URL must use https");
  }
  if (url.username !== "" || url.password !== "") {
    return refuse("credentials_in_url", "the URL must not contain a user name or password");
  }
  if (url.port === "0") return refuse("bad_port", "the URL's port must not be 0");
  const refusal = refuseHost(url, rules.allowedCidrs);
  if (refusal !== undefined) return refusal;
  url.hash = "";
  return url.href.length > MAX_URL_CHARACTERS ? refuseLength() : { isRefused: false, url };
}

/** For answers and logs: userinfo and query string masked, fragment dropped. Never throws. */
export function maskUrl(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null || parsed.host === "") return "***";
  const userinfo = parsed.username === "" && parsed.password === "" ? "" : "***@";
  const query = parsed.search === "" ? "" : "?***";
  return `${parsed.protocol}//${userinfo}${parsed.host}${parsed.pathname}${query}`;
}

/**
 * How a URL's destination is told apart from others: by all but its scheme and query string, as
 * migrations/0009_destination_urls.sql has it. Not by its host: a vendor's has many customers' hooks.
 */
export function destinationOf(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

/** The host as `net.connect` wants it: an IPv6 address without its brackets. */
export function hostOf(url: URL): string {
  return url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname;
}

/** RFC 6761 §6.3: these mean this machine, whatever a resolver says. */
export function isLoopbackName(name: string): boolean {
  return isNameOrBelow(withoutRootDot(name), "localhost");
}

function refuseHost(url: URL, allowed: readonly Cidr[]): DestinationJudgement | undefined {
  const host = hostOf(url);
  const verdict = judgeAddress(host, allowed);
  if (isDeliverable(verdict)) return undefined;
  if (verdict !== "unparseable") {
    return refuse(verdict, `the URL's address is not public (${verdict})`);
  }
  const name = withoutRootDot(host);
  if (!isHostName(name)) return refuse("bad_host_name", "the URL's host is not a valid host name");
  if (isRefusedLocalName(name, allowed)) {
    return refuse("local_name", "the URL's host is a local name, not a public one");
  }
  // One spelling per destination; a trailing dot also breaks certificate checks at some receivers.
  if (name !== host) url.hostname = name;
  return undefined;
}

/** A local name may pass when addresses are open that it could stand for; the lookup then decides. */
function isRefusedLocalName(name: string, allowed: readonly Cidr[]): boolean {
  if (isLoopbackName(name)) {
    return !["127.0.0.1", "::1"].some((address) => isDeliverable(judgeAddress(address, allowed)));
  }
  const isLocal =
    !name.includes(".") || LOCAL_DOMAINS.some((domain) => isNameOrBelow(name, domain));
  return isLocal && allowed.every(isLoopbackBlock);
}

function isLoopbackBlock(cidr: Cidr): boolean {
  const [start = ""] = cidr.text.split("/");
  return judgeAddress(start, []) === "loopback";
}

function isHostName(name: string): boolean {
  if (name.length > MAX_NAME_CHARACTERS) return false;
  return name.split(".").every((label) => /^[a-z0-9_-]{1,63}$/.test(label));
}

function isNameOrBelow(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}

function withoutRootDot(name: string): string {
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

/** WHATWG silently strips some of these: what we check must be what the caller wrote. */
function hasForbiddenCharacter(text: string): boolean {
  return /[\s\p{Cc}]/u.test(text) || !text.isWellFormed();
}

function refuseLength(): DestinationJudgement {
  return refuse("url_too_long", `the URL is longer than ${MAX_URL_CHARACTERS} characters`);
}

function refuse(verdict: DestinationVerdict, message: string): DestinationJudgement {
  return { isRefused: true, verdict, message };
}
