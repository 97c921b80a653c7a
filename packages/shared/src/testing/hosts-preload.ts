/** Loaded before a process's own code: see hosts.ts. */
import dns from "node:dns";

const names = new Set((process.env["LOOPBACK_NAMES"] ?? "").split(","));
const LOOPBACK = { address: "127.0.0.1", family: 4 };

const lookUp = dns.promises.lookup.bind(dns.promises) as (
  name: string,
  options: unknown,
) => Promise<unknown>;

dns.promises.lookup = ((name: string, options: unknown) =>
  names.has(name) ? Promise.resolve([LOOPBACK]) : lookUp(name, options)) as never;
