/**
 * The signing secrets of an endpoint. Rotation puts a new one in front; the older ones sign beside it
 * until their time is over, so that a receiver may change over whenever it likes in between.
 */

/** Newest first. `endsAt`: ISO 8601, null for the current one. */
export type EndpointSecrets = readonly [EndpointSecret, ...EndpointSecret[]];

export interface EndpointSecret {
  readonly secret: string;
  readonly endsAt: string | null;
}

/** Each is a signature in a header of every request. */
const MOST_SECRETS = 5;
const STANDARD_PREFIX = "whsec_";
/** Standard Webhooks recommends 24 to 64 bytes. */
export const GENERATED_SECRET_BYTES = 32;

export function spellSecret(randomBytes: Buffer): string {
  return `${STANDARD_PREFIX}${randomBytes.toString("base64")}`;
}

export function firstSecret(secret: string): EndpointSecrets {
  return [{ secret, endsAt: null }];
}

/** The older secrets keep the ends they have, or get a sooner one. */
export function rotate(
  secrets: EndpointSecrets,
  {
    secret,
    now,
    graceMs,
  }: { readonly secret: string; readonly now: Date; readonly graceMs: number },
): EndpointSecrets {
  const graceEndsAt = new Date(now.getTime() + graceMs).toISOString();
  const older = secrets
    .map((one) => ({ ...one, endsAt: sooner(one.endsAt, graceEndsAt) }))
    .filter((one) => one.secret !== secret && Date.parse(one.endsAt) > now.getTime())
    .slice(0, MOST_SECRETS - 1);
  return [{ secret, endsAt: null }, ...older];
}

function sooner(endsAt: string | null, other: string): string {
  return endsAt !== null && Date.parse(endsAt) < Date.parse(other) ? endsAt : other;
}

/** Newest first: what signs an attempt made at `now`. */
export function signingSecrets(secrets: EndpointSecrets, now: Date): string[] {
  return secrets
    .filter(({ endsAt }) => endsAt === null || Date.parse(endsAt) > now.getTime())
    .map(({ secret }) => secret);
}

/** When the last of the older secrets stops signing; null: there is none. */
export function rotationEndsAt(secrets: EndpointSecrets): Date | null {
  const ends = secrets.flatMap(({ endsAt }) => (endsAt === null ? [] : [Date.parse(endsAt)]));
  return ends.length === 0 ? null : new Date(Math.max(...ends));
}
