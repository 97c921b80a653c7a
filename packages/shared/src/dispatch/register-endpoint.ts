/**
 * Registers endpoints, changes them and rotates their secrets. The secret leaves the house once, in the
 * answer that made it. A change is made under a lock on the row, so none is lost to another one.
 */
import { randomBytes } from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import { readCustomHeaders, type CustomHeaders } from "../core/custom-headers.ts";
import { parseDestination, type DestinationRules } from "../core/destination-url.ts";
import { DEFAULT_SETTINGS, type EndpointSettings } from "../core/endpoint.ts";
import {
  firstSecret,
  GENERATED_SECRET_BYTES,
  rotate,
  rotationEndsAt,
  spellSecret,
  type EndpointSecrets,
} from "../core/endpoint-secrets.ts";
import { readEndpointTls, type EndpointTls, type GivenTls } from "../core/endpoint-tls.ts";
import { DomainError } from "../core/errors.ts";
import { endpointPlace, NONCE_BYTES, open, seal, type EncryptionKey } from "../core/secret-box.ts";
import { checkSigningSecret } from "../core/signing.ts";
import { inTransaction, type Queryable, type Sql } from "../db/client.ts";
import { disableEndpoint } from "../db/endpoint-health.ts";
import {
  enableEndpoint,
  findEndpoint,
  findEndpointBySource,
  insertEndpoint,
  lockEndpoint,
  updateEndpoint,
  type Endpoint,
  type EndpointBoxes,
  type EndpointKey,
} from "../db/endpoints.ts";
import { revokeLeases } from "../db/leases.ts";

export interface RegisterDeps {
  readonly sql: Sql;
  readonly destinationRules: DestinationRules;
  readonly encryptionKeys: readonly [EncryptionKey, ...EncryptionKey[]];
}

/** Undefined: as it is, or as usual in a new one. */
export type EndpointChanges = {
  readonly [F in keyof EndpointSettings]?: EndpointSettings[F] | undefined;
} & {
  readonly headers?: Readonly<Record<string, string>> | null | undefined;
  /** Null: none. */
  readonly tls?: GivenTls | null | undefined;
  /** Signs from now on, alone; rotateSecret lets the old one sign beside it. */
  readonly secret?: string | null | undefined;
  readonly enabled?: boolean | undefined;
};

export interface Registration extends EndpointChanges {
  readonly clientId: string | null;
  readonly registeredSource: string | null;
}

export interface Registered {
  readonly endpoint: Endpoint;
  /** To be shown now and never again. */
  readonly secret: string;
}

/** Throws what is wrong with the URL, the secret, the headers or what is given for TLS; undefined: the source is taken. */
export async function registerEndpoint(
  deps: RegisterDeps,
  wanted: Registration,
): Promise<Registered | undefined> {
  const { headers, tls, clientId, registeredSource, enabled = true } = wanted;
  const secret = chooseSecret(wanted.secret);
  const id = uuidv7();
  const settings = applyChanges(deps, { ...DEFAULT_SETTINGS, url: "" }, wanted);
  const row = {
    ...settings,
    ...sealSecrets(deps, id, firstSecret(secret)),
    ...sealHeaders(deps, id, readCustomHeaders(headers ?? {})),
    ...sealTls(deps, id, readEndpointTls(tls ?? {})),
  };
  return inTransaction(deps.sql, async (tx) => {
    const isNew = await insertEndpoint(tx, { ...row, id, clientId, registeredSource, enabled });
    return isNew ? { endpoint: await read(tx, { id }), secret } : undefined;
  });
}

/** Registers the client's endpoint for a source, or changes the one there is (`secret` undefined). */
export async function registerForSource(
  deps: RegisterDeps,
  wanted: Registration & { readonly registeredSource: string },
): Promise<{ readonly endpoint: Endpoint; readonly secret?: string }> {
  const { registeredSource, clientId } = wanted;
  const existing = await findEndpointBySource(deps.sql, { source: registeredSource, clientId });
  // Whatever else it is to get, its own source is one of them; an empty list is all there are.
  const sources =
    wanted.sources === undefined || wanted.sources.length === 0
      ? wanted.sources
      : [...new Set([registeredSource, ...wanted.sources])];
  if (existing === undefined) {
    if (wanted.url === undefined) throw urlIsMissing();
    const registered = await registerEndpoint(deps, {
      ...wanted,
      sources: sources ?? [registeredSource],
    });
    // Undefined: somebody else was faster, so there is one to change now.
    return registered ?? registerForSource(deps, wanted);
  }
  const changes = sources === undefined ? wanted : { ...wanted, sources };
  return { endpoint: await changeEndpoint(deps, { id: existing.id }, changes) };
}

export async function changeEndpoint(
  deps: RegisterDeps,
  key: EndpointKey,
  changes: EndpointChanges,
): Promise<Endpoint> {
  const { headers, tls, secret, enabled } = changes;
  return inTransaction(deps.sql, async (tx) => {
    const endpoint = await lock(tx, key);
    const { id } = endpoint;
    await updateEndpoint(tx, id, {
      ...endpoint,
      ...applyChanges(deps, endpoint, changes),
      ...(headers !== undefined &&
        sealHeaders(deps, id, readCustomHeaders(headers ?? {}, openHeaders(deps, endpoint)))),
      ...(tls !== undefined && sealTls(deps, id, changedTls(deps, endpoint, tls))),
      ...(secret && sealRotated(deps, endpoint, { secret: chooseSecret(secret), graceMs: 0 })),
    });
    if (enabled === true) await enableEndpoint(tx, key);
    if (enabled === false) await disableEndpoint(tx, { id, reason: "manual", minFailures: 0 });
    // What was let go under its old limits, or before it was disabled, starts no more.
    await revokeLeases(tx, [id]);
    return read(tx, key);
  });
}

/** `secret` null: a new one is made. The older secrets sign beside it until `graceMs` is over. */
export async function rotateSecret(
  deps: RegisterDeps,
  key: EndpointKey,
  { secret: given, graceMs }: { readonly secret: string | null; readonly graceMs: number },
): Promise<Registered> {
  const secret = chooseSecret(given);
  return inTransaction(deps.sql, async (tx) => {
    const endpoint = await lock(tx, key);
    const sealed = sealRotated(deps, endpoint, { secret, graceMs });
    await updateEndpoint(tx, endpoint.id, { ...endpoint, ...sealed });
    return { endpoint: await read(tx, key), secret };
  });
}

/** The one that is given, as it is meant and if it can sign, or a new one. */
function chooseSecret(given: string | null | undefined): string {
  if (!given) return spellSecret(randomBytes(GENERATED_SECRET_BYTES));
  return checkSigningSecret(given, "body.secret");
}

async function lock(tx: Queryable, key: EndpointKey): Promise<Endpoint & EndpointBoxes> {
  return (await lockEndpoint(tx, key)) ?? noSuchEndpoint();
}

async function read(tx: Queryable, key: EndpointKey): Promise<Endpoint> {
  return (await findEndpoint(tx, key)) ?? noSuchEndpoint();
}

export function noSuchEndpoint(): never {
  throw new DomainError("endpoint_not_found", "There is no such endpoint.");
}

function urlIsMissing(): DomainError {
  return new DomainError("invalid_request", "A new endpoint needs a URL.", [
    { field: "body.url", message: "must be given: there is no endpoint for this source yet" },
  ]);
}

function applyChanges(
  { destinationRules }: RegisterDeps,
  { url: currentUrl, ...current }: EndpointSettings,
  changes: EndpointChanges,
): EndpointSettings {
  const names = Object.keys(DEFAULT_SETTINGS) as (keyof typeof DEFAULT_SETTINGS)[];
  const given = names.filter((name) => changes[name] !== undefined);
  return {
    ...current,
    ...(Object.fromEntries(given.map((name) => [name, changes[name]])) as Partial<typeof current>),
    url:
      changes.url === undefined
        ? currentUrl
        : parseDestination(changes.url, { ...destinationRules, field: "body.url" }).href,
  };
}

function sealSecrets({ encryptionKeys }: RegisterDeps, id: string, secrets: EndpointSecrets) {
  const text = JSON.stringify(secrets);
  return {
    secretsEncrypted: seal(encryptionKeys, endpointPlace(id, "secrets"), text, nonce()),
    rotationEndsAt: rotationEndsAt(secrets),
  };
}

function sealHeaders({ encryptionKeys }: RegisterDeps, id: string, headers: CustomHeaders) {
  const headerNames = Object.keys(headers);
  const place = endpointPlace(id, "headers");
  const text = JSON.stringify(headers);
  return {
    headerNames,
    headersEncrypted: headerNames.length === 0 ? null : seal(encryptionKeys, place, text, nonce()),
  };
}

function sealTls({ encryptionKeys }: RegisterDeps, id: string, tls: EndpointTls | null) {
  if (tls === null) return { tlsParts: [], tlsEncrypted: null };
  const text = JSON.stringify(tls);
  return {
    tlsParts: Object.keys(tls),
    tlsEncrypted: seal(encryptionKeys, endpointPlace(id, "tls"), text, nonce()),
  };
}

function changedTls(
  { encryptionKeys }: RegisterDeps,
  { id, tlsEncrypted }: Endpoint & EndpointBoxes,
  given: GivenTls | null,
): EndpointTls | null {
  if (given === null) return null;
  if (tlsEncrypted === null) return readEndpointTls(given);
  const kept = open(encryptionKeys, endpointPlace(id, "tls"), tlsEncrypted);
  return readEndpointTls(given, JSON.parse(kept) as EndpointTls);
}

function sealRotated(
  deps: RegisterDeps,
  { id, secretsEncrypted }: Endpoint & EndpointBoxes,
  next: { readonly secret: string; readonly graceMs: number },
) {
  const box = open(deps.encryptionKeys, endpointPlace(id, "secrets"), secretsEncrypted);
  const secrets = JSON.parse(box) as EndpointSecrets;
  return sealSecrets(deps, id, rotate(secrets, { ...next, now: new Date() }));
}

function openHeaders(
  { encryptionKeys }: RegisterDeps,
  { id, headersEncrypted }: Endpoint & EndpointBoxes,
): CustomHeaders {
  if (headersEncrypted === null) return {};
  return JSON.parse(
    open(encryptionKeys, endpointPlace(id, "headers"), headersEncrypted),
  ) as CustomHeaders;
}

function nonce(): Buffer {
  return randomBytes(NONCE_BYTES);
}
