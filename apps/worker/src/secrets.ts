/** Opens what a delivery is signed with and the headers that its endpoint adds. */
import type { CustomHeaders } from "@webhook-delivery/shared/core/custom-headers.ts";
import type { EndpointTls } from "@webhook-delivery/shared/core/endpoint-tls.ts";
import {
  signingSecrets,
  type EndpointSecrets,
} from "@webhook-delivery/shared/core/endpoint-secrets.ts";
import {
  endpointPlace,
  open,
  secretPlace,
  type EncryptionKey,
} from "@webhook-delivery/shared/core/secret-box.ts";
import type { ClaimedDelivery } from "@webhook-delivery/shared/db/claims.ts";

export interface OpenedSecrets {
  /** Newest first; none: nothing is signed. */
  readonly signingSecrets: readonly string[];
  readonly customHeaders: CustomHeaders;
  /** Undefined: what everybody gets. */
  readonly tls?: EndpointTls;
}

/** Throws when a box does not open: a fault of ours. */
export function openSecrets(
  { encryptionKeys: keys }: { readonly encryptionKeys: readonly EncryptionKey[] },
  claim: Pick<ClaimedDelivery, "id" | "secretEncrypted" | "endpoint">,
  now: Date,
): OpenedSecrets {
  const { id, secretEncrypted, endpoint } = claim;
  if (endpoint === null) {
    const secrets = secretEncrypted === null ? [] : [open(keys, secretPlace(id), secretEncrypted)];
    return { signingSecrets: secrets, customHeaders: {} };
  }
  const { secretsEncrypted, headersEncrypted, tlsEncrypted } = endpoint;
  const secrets = open(keys, endpointPlace(endpoint.id, "secrets"), secretsEncrypted);
  const headers =
    headersEncrypted && open(keys, endpointPlace(endpoint.id, "headers"), headersEncrypted);
  const tls = tlsEncrypted && open(keys, endpointPlace(endpoint.id, "tls"), tlsEncrypted);
  return {
    ...(tls !== null && { tls: JSON.parse(tls) as EndpointTls }),
    signingSecrets: signingSecrets(JSON.parse(secrets) as EndpointSecrets, now),
    customHeaders: headers === null ? {} : (JSON.parse(headers) as CustomHeaders),
  };
}
