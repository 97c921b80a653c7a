/**
 * A format knows one kind of receiver: the exact text that it is sent, the calls that make up one
 * attempt, and what its answers mean where HTTP alone does not say it. One file a format; `FORMATS` in
 * formats/registry.ts is the only list.
 *
 * The text is written when a delivery is accepted, so that every attempt sends the same body. A format
 * never refuses then: what its receiver will not take (`misfit`) is told to a caller that waits for an
 * answer, and is sent all the same where nobody does, so that the log shows what the receiver said.
 */
import type { ErrorDetail } from "../errors.ts";
import type { Lead } from "../lead.ts";
import type { Answer, Reading } from "../reading.ts";

/** What a delivery is about. `payloadText` is the caller's JSON as it was spelled. */
export type Subject =
  | { readonly kind: "payload"; readonly payloadText: string }
  | {
      readonly kind: "lead";
      readonly lead: Lead;
      readonly campaignName: string | null;
      readonly customFields: Readonly<Record<string, unknown>>;
    };

export interface FormatInput {
  readonly eventType: string;
  /** ISO 8601: when the delivery was accepted, so that the body is the same on every attempt. */
  readonly timestamp: string;
  readonly subject: Subject;
}

export interface Written {
  readonly text: string;
  /** Why its receivers cannot take it; undefined: as far as we know they can. */
  readonly misfit?: ErrorDetail;
}

export interface Format {
  /** Whose URLs `auto` takes it for; `host` is a host name in lower case. */
  readonly isFor?: (host: string) => boolean;
  readonly write: (input: FormatInput) => Written;
  /** Its deliveries reach a person: an example would go to somebody made up. */
  readonly reachesPeople?: true;
  /** The calls that one attempt makes, in order, each only when the one before was a success. */
  readonly calls?: (sending: Sending) => Calls;
  /** Undefined: the answer means what HTTP says. */
  readonly read?: (answer: Answer) => Reading | undefined;
}

/** What is about to be sent. */
export interface Sending {
  readonly url: URL;
  /** As it was written. */
  readonly body: string;
  /** The newest that signs; undefined: there is none. */
  readonly secret: string | undefined;
  /** The endpoint's own, lower-case names. */
  readonly customHeaders: Readonly<Record<string, string>>;
}

export interface Call {
  readonly url: string;
  readonly body: string;
  /** Secrets, besides the endpoint's own headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** False: the receiver checks no signatures, and the secret is its key. */
  readonly isSigned: boolean;
}

export type Calls = readonly [Call, ...Call[]];

/** JSON text of the subject: the payload as given, a lead as the contract nests it. */
export function subjectText(subject: Subject): string {
  if (subject.kind === "payload") return subject.payloadText;
  const { customFields: ownFields, ...lead } = subject.lead;
  return JSON.stringify({
    lead,
    campaign: { name: subject.campaignName },
    customFields: { ...ownFields, ...subject.customFields },
  });
}

/** A URL's host as it is known to people: without the dot that a name may end in. */
export function nameOf({ hostname }: URL): string {
  return hostname.replace(/\.$/, "");
}

/** What a header can hold. */
const KEY = /^[\x21-\x7e]+$/;

/** A secret as a vendor's key or token; one that was made for signing is none. */
export function keyIn(secret: string | undefined): string | undefined {
  const isKey = secret !== undefined && KEY.test(secret) && !secret.startsWith("whsec_");
  return isKey ? secret : undefined;
}

/** One signed request, which is what every receiver gets whose format says nothing else. */
export function oneSignedCall({ url, body }: Sending): Calls {
  return [{ url: url.href, body, headers: {}, isSigned: true }];
}
