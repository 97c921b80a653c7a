/** Where a delivery goes: a URL that came with it, or a registered endpoint. */
import { randomBytes } from "node:crypto";
import { parseDestination, type DestinationRules } from "../core/destination-url.ts";
import { DomainError } from "../core/errors.ts";
import { isUuid } from "../core/ids.ts";
import { NONCE_BYTES, seal, secretPlace, type EncryptionKey } from "../core/secret-box.ts";
import { checkSigningSecret } from "../core/signing.ts";
import type { Sql } from "../db/client.ts";
import { findTarget, type EndpointTarget } from "../db/endpoint-targets.ts";

export type RequestedTarget =
  | { readonly kind: "url"; readonly webhookUrl: string; readonly webhookSecret: string | null }
  | { readonly kind: "endpoint"; readonly endpointId: string };

export type Target =
  | { readonly kind: "url"; readonly url: string; readonly secret: string | null }
  | ({ readonly kind: "endpoint" } & EndpointTarget);

export interface TargetDeps {
  readonly sql: Sql;
  readonly destinationRules: DestinationRules;
}

/** `clientId`: endpoints of other clients are not found; undefined: an operator asks. */
export async function findRequestedTarget(
  deps: TargetDeps,
  requested: RequestedTarget,
  clientId: string | undefined,
): Promise<Target> {
  if (requested.kind === "url") {
    const { webhookUrl, webhookSecret } = requested;
    const destination = parseDestination(webhookUrl, deps.destinationRules);
    const secret =
      webhookSecret === null ? null : checkSigningSecret(webhookSecret, "body.webhookSecret");
    return { kind: "url", url: destination.href, secret };
  }
  const id = requested.endpointId;
  const endpoint = isUuid(id) ? await findTarget(deps.sql, { id, clientId }) : undefined;
  if (endpoint !== undefined) return { kind: "endpoint", ...endpoint };
  throw new DomainError("endpoint_not_found", "There is no such endpoint.", [
    { field: "body.endpointId", message: "unknown endpoint" },
  ]);
}

/** A delivery's own secret, bound to its row. An endpoint's deliveries are signed with the endpoint's. */
export function sealOwnSecret(
  keys: readonly [EncryptionKey, ...EncryptionKey[]],
  deliveryId: string,
  target: Target,
): Buffer | null {
  if (target.kind === "endpoint" || target.secret === null) return null;
  return seal(keys, secretPlace(deliveryId), target.secret, randomBytes(NONCE_BYTES));
}
