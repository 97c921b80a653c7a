/**
 * Which addresses a delivery may be sent to.
 *
 * Default deny: an IPv6 address is public only inside 2000::/3 and outside every special range, an IPv4
 * address only outside every special range, and whatever is not a canonical address is `unparseable`.
 * The tables are our own, from the IANA special-purpose registries, so that an update of the parsing
 * library cannot open a range; `ipaddr.js` is used to read addresses, not to judge them.
 *
 * An address that carries an IPv4 address inside (v4-mapped, v4-compatible, NAT64, 6to4) is refused as
 * what it is. `ALLOWED_PRIVATE_CIDRS` opens exactly what it names: `127.0.0.0/8` does not open
 * `::ffff:127.0.0.1`, and `64:ff9b::/96` opens NAT64 only for embedded addresses that may be reached
 * themselves, so that opening a translation prefix does not open the networks behind it.
 */
import ipaddr from "ipaddr.js";

export type AddressVerdict = "public" | "allowed" | RefusedAddressVerdict;

export type RefusedAddressVerdict =
  | "unspecified"
  | "loopback"
  | "private"
  | "link_local"
  | "cloud_metadata"
  | "carrier_nat"
  | "multicast"
  | "broadcast"
  | "documentation"
  | "benchmarking"
  | "reserved"
  | "unique_local"
  | "site_local"
  | "v4_mapped"
  | "v4_compatible"
  | "nat64"
  | "six_to_four"
  | "teredo"
  | "unparseable";

/** A block of addresses; made by `parseCidr` only. */
export interface Cidr {
  readonly text: string;
  /** 4 bytes or 16. */
  readonly bytes: readonly number[];
  readonly prefixBits: number;
}

/** The first match decides, so the narrow ranges stand before the wide ones. */
const SPECIAL_RANGES: readonly (readonly [RefusedAddressVerdict, ...string[]])[] = [
  [
    "cloud_metadata",
    "169.254.169.254", // AWS, Google, Azure, Oracle, DigitalOcean, …
    "169.254.170.2", // AWS ECS task credentials
    "169.254.170.23", // AWS EKS pod identity
    "168.63.129.16", // Azure WireServer, in a range that is public otherwise
    "100.100.100.200", // Alibaba
    "192.0.0.192", // Oracle, older
    "fd00:ec2::254", // AWS
    "fd00:ec2::23", // AWS EKS pod identity
    "fd20:ce::254", // Google
  ],
  ["unspecified", "0.0.0.0/8", "::"],
  ["loopback", "127.0.0.0/8", "::1"],
  ["private", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"],
  ["link_local", "169.254.0.0/16", "fe80::/10"],
  ["carrier_nat", "100.64.0.0/10"],
  ["broadcast", "255.255.255.255"],
  ["multicast", "224.0.0.0/4", "ff00::/8"],
  ["documentation", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"],
  ["documentation", "2001:db8::/32", "3fff::/20"],
  ["benchmarking", "198.18.0.0/15", "2001:2::/48"],
  ["six_to_four", "192.88.99.0/24", "2002::/16"],
  // Protocol assignments, AS112 sinks, AMT relays, class E: nobody receives webhooks there.
  ["reserved", "192.0.0.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24"],
  ["reserved", "240.0.0.0/4"],
  ["unique_local", "fc00::/7"],
  ["site_local", "fec0::/10"],
  ["v4_mapped", "::ffff:0:0/96"],
  ["v4_mapped", "::ffff:0:0:0/96"], // "v4-translated", RFC 2765
  ["v4_compatible", "::/96"],
  ["nat64", "64:ff9b::/96", "64:ff9b:1::/48"],
  ["teredo", "2001::/32"],
  ["reserved", "2001::/23", "2620:4f:8000::/48"],
];

/** Where the embedded IPv4 address begins, in bytes. */
const EMBEDDED_V4_OFFSET: Partial<Record<RefusedAddressVerdict, number>> = {
  v4_mapped: 12,
  v4_compatible: 12,
  nat64: 12,
  six_to_four: 2,
};

const SPECIAL_CIDRS = SPECIAL_RANGES.flatMap(([verdict, ...texts]) =>
  texts.map((text) => ({ verdict, cidr: requireCidr(text) })),
);
const GLOBAL_UNICAST_V6 = requireCidr("2000::/3");

/** `address` in the spelling that the resolver and the WHATWG URL parser give, without brackets. */
export function judgeAddress(address: string, allowed: readonly Cidr[]): AddressVerdict {
  const bytes = parseAddress(address);
  return bytes === undefined ? "unparseable" : judgeBytes(bytes, allowed);
}

export function isDeliverable(verdict: AddressVerdict): verdict is "public" | "allowed" {
  return verdict === "public" || verdict === "allowed";
}

/**
 * Reads `10.0.0.0/8`, `fd00::/8` or a single address. Undefined for anything else, also for a block with
 * bits set behind its prefix: `10.0.0.1/8` is as likely meant as one host as it is as sixteen million.
 */
export function parseCidr(text: string): Cidr | undefined {
  const [address = "", prefix, ...rest] = text.split("/");
  const bytes = parseAddress(address);
  if (bytes === undefined || rest.length > 0) return undefined;
  if (prefix !== undefined && !/^\d{1,3}$/.test(prefix)) return undefined;
  const addressBits = bytes.length * 8;
  const prefixBits = prefix === undefined ? addressBits : Number(prefix);
  if (prefixBits > addressBits) return undefined;
  const isBlockStart = bytes.every((byte, index) => (byte & ~maskByte(prefixBits, index)) === 0);
  return isBlockStart ? { text, bytes, prefixBits } : undefined;
}

function judgeBytes(bytes: readonly number[], allowed: readonly Cidr[]): AddressVerdict {
  const verdict = classify(bytes);
  if (verdict === "public" || !allowed.some((cidr) => contains(cidr, bytes))) return verdict;
  const embeddedAt = bytes.length === 16 ? EMBEDDED_V4_OFFSET[verdict] : undefined;
  if (embeddedAt === undefined) return "allowed";
  const embedded = judgeBytes(bytes.slice(embeddedAt, embeddedAt + 4), allowed);
  return embedded === "public" ? "allowed" : embedded;
}

function classify(bytes: readonly number[]): "public" | RefusedAddressVerdict {
  const special = SPECIAL_CIDRS.find(({ cidr }) => contains(cidr, bytes));
  if (special !== undefined) return special.verdict;
  return bytes.length === 4 || contains(GLOBAL_UNICAST_V6, bytes) ? "public" : "reserved";
}

function contains(cidr: Cidr, bytes: readonly number[]): boolean {
  if (cidr.bytes.length !== bytes.length) return false;
  return cidr.bytes.every(
    (byte, index) => ((byte ^ (bytes[index] ?? 0)) & maskByte(cidr.prefixBits, index)) === 0,
  );
}

/** The netmask's byte at `index`. */
function maskByte(prefixBits: number, index: number): number {
  const bits = Math.min(8, Math.max(0, prefixBits - index * 8));
  return (0xff00 >> bits) & 0xff;
}

/** Dotted quads and IPv6 without a zone only: what other spellings mean differs between systems. */
function parseAddress(text: string): readonly number[] | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text).toByteArray();
  if (!/^[0-9a-f:.]{2,45}$/i.test(text)) return undefined;
  const groups = withHexTail(text);
  return ipaddr.IPv6.isValid(groups) ? ipaddr.IPv6.parse(groups).toByteArray() : undefined;
}

/** `::127.0.0.1` as `::7f00:1`: ipaddr.js 2.5 reads the dotted form as v4-mapped, which it is not. */
function withHexTail(text: string): string {
  const tailAt = text.lastIndexOf(":") + 1;
  const tail = text.slice(tailAt);
  if (!ipaddr.IPv4.isValidFourPartDecimal(tail)) return text;
  const [a = 0, b = 0, c = 0, d = 0] = ipaddr.IPv4.parse(tail).toByteArray();
  return `${text.slice(0, tailAt)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

function requireCidr(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new Error(`not an address block: ${text}`);
  return cidr;
}
