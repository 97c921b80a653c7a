/**
 * Makes the calls of one attempt, one after the other, and stops at the first that is no success. Most
 * formats have one. All of them share the attempt's time: a receiver that takes long for the first call
 * has less for the second.
 */
import { randomUUID } from "node:crypto";
import type { AttemptResult } from "@webhook-delivery/shared/core/attempt-result.ts";
import { maskHeaders } from "@webhook-delivery/shared/core/custom-headers.ts";
import { maskUrl } from "@webhook-delivery/shared/core/destination-url.ts";
import { secretsIn, withoutEchoes } from "@webhook-delivery/shared/core/echoes.ts";
import { oneSignedCall, type Call } from "@webhook-delivery/shared/core/formats/format.ts";
import { FORMATS, isReadable, readAnswer } from "@webhook-delivery/shared/core/formats/registry.ts";
import { READ_CHARACTERS } from "@webhook-delivery/shared/core/reading.ts";
import { buildRequestHeaders } from "@webhook-delivery/shared/core/request-headers.ts";
import { isSuccess } from "@webhook-delivery/shared/core/retry.ts";
import type { ClaimedDelivery } from "@webhook-delivery/shared/db/claims.ts";
import type { Sender } from "@webhook-delivery/shared/http/sender.ts";
import { USER_AGENT } from "@webhook-delivery/shared/version.ts";
import type { OpenedSecrets } from "./secrets.ts";

export interface MadeCall {
  /** Of this call alone. */
  readonly id: string;
  /** Fit to be shown; null: the delivery's own. */
  readonly url: string | null;
  readonly calledAt: Date;
  /** As sent, with masks for what is secret. */
  readonly headers: Record<string, string>;
  readonly result: AttemptResult;
}

export interface MadeCalls {
  /** Successes, in order. */
  readonly earlier: readonly MadeCall[];
  /** The one that says what came of the attempt. */
  readonly last: MadeCall;
}

export interface CallDeps {
  readonly sender: Sender;
  readonly now: () => Date;
  /** Of the whole attempt. */
  readonly timeoutMs: number;
}

export async function makeCalls(
  deps: CallDeps,
  claim: ClaimedDelivery,
  opened: OpenedSecrets,
): Promise<MadeCalls> {
  const { calls = oneSignedCall } = FORMATS[claim.format];
  const planned = calls({
    url: new URL(claim.webhookUrl),
    body: claim.body,
    secret: opened.signingSecrets[0],
    customHeaders: opened.customHeaders,
  });
  const endsAt = performance.now() + deps.timeoutMs;
  const made: MadeCall[] = [];
  for (const call of planned) {
    const timeoutMs =
      made.length === 0 ? deps.timeoutMs : Math.max(1, Math.ceil(endsAt - performance.now()));
    const last = await makeCall({ ...deps, timeoutMs }, { claim, opened, call });
    if (made.length === planned.length - 1 || !isSuccess(last.result)) {
      return { earlier: made, last };
    }
    made.push(last);
  }
  throw new Error("a format planned no call");
}

function originOf(url: string): string {
  return new URL(url).origin;
}

/** Of all its calls together. */
export function durationOf({ earlier, last }: MadeCalls): number {
  return [...earlier, last].reduce((sum, { result }) => sum + result.durationMs, 0);
}

interface Planned {
  readonly claim: ClaimedDelivery;
  readonly opened: OpenedSecrets;
  readonly call: Call;
}

async function makeCall(deps: CallDeps, { claim, opened, call }: Planned): Promise<MadeCall> {
  const { sender, timeoutMs, now } = deps;
  const calledAt = now();
  const ours = buildRequestHeaders({
    deliveryId: claim.id,
    eventType: claim.eventType,
    attempt: claim.attempt,
    body: call.body,
    secrets: call.isSigned ? opened.signingSecrets : [],
    sentAt: calledAt,
    userAgent: USER_AGENT,
  });
  const secret = { ...opened.customHeaders, ...call.headers };
  const answered = {
    format: claim.format,
    url: claim.webhookUrl,
    isEndpoint: claim.endpoint !== null,
  };
  const raw = await sender.send({
    url: call.url,
    // In this order, although none of ours can be among the secret ones.
    headers: { ...secret, ...ours },
    body: call.body,
    timeoutMs,
    // For the endpoint's own host and nobody else's.
    ...(opened.tls && originOf(call.url) === originOf(claim.webhookUrl) && { tls: opened.tls }),
    ...(isReadable(answered) && { readsAtLeast: READ_CHARACTERS }),
  });
  const result = withoutEchoes(raw, [
    ...opened.signingSecrets,
    ...Object.values(secret),
    ...secretsIn(call.url),
  ]);
  return {
    id: randomUUID(),
    url: call.url === claim.webhookUrl ? null : maskUrl(call.url),
    calledAt,
    headers: { ...maskHeaders(Object.keys(secret)), ...ours },
    result:
      result.kind === "response" ? { ...result, reading: readAnswer(result, answered) } : result,
  };
}
