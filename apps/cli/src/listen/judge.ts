/** What a request's signature is worth. */
import {
  verify,
  WebhookVerificationError,
  type WebhookHeaders,
} from "@webhook-delivery/client/verify";

export type Verdict =
  | { readonly state: "valid" }
  | { readonly state: "invalid"; readonly reason: string; readonly message: string }
  /** Nothing was signed: the delivery has no secret. */
  | { readonly state: "absent" }
  /** There is no secret to check with. */
  | { readonly state: "unchecked" };

const SIGNATURE_HEADERS = ["webhook-signature", "x-webhook-signature"] as const;

export interface Judged {
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export async function judge(
  { body, headers }: Judged,
  secrets: readonly string[],
): Promise<Verdict> {
  if (SIGNATURE_HEADERS.every((name) => headers[name] === undefined)) return { state: "absent" };
  if (secrets.length === 0) return { state: "unchecked" };
  try {
    await verify(body, headers satisfies WebhookHeaders, secrets);
    return { state: "valid" };
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    // Signed as it should be; that it is no JSON is the payload's business.
    if (error.code === "invalid_json") return { state: "valid" };
    return { state: "invalid", reason: error.code, message: error.message };
  }
}

/** What is wrong with a secret, before anything arrives; undefined: nothing. */
export async function secretProblem(secret: string): Promise<string | undefined> {
  try {
    await verify("", {}, secret);
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    if (error.code === "invalid_secret") return error.message;
  }
  return undefined;
}
