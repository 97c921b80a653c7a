/** Valid things with nothing in them but what a test is about. */
import { randomBytes } from "node:crypto";
import type { Hook } from "./receiver.ts";

/** The body of a request for a delivery to `hook`. */
export function deliveryTo(hook: Pick<Hook, "url">, also: Readonly<Record<string, unknown>> = {}) {
  return { webhookUrl: hook.url, payload: { greeting: "hello" }, format: "raw", ...also };
}

export function standardSecret(): string {
  return `whsec_${randomBytes(24).toString("base64")}`;
}

export function plainSecret(): string {
  return `plain-${randomBytes(12).toString("hex")}`;
}

export function encryptionKey(): string {
  return randomBytes(32).toString("base64");
}
