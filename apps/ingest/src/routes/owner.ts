/** Whose things a request is about, where it names a client itself. */
import { ownerOf, type Caller } from "@webhook-delivery/shared/core/caller.ts";
import { DomainError } from "@webhook-delivery/shared/core/errors.ts";
import { isUuid } from "@webhook-delivery/shared/core/ids.ts";
import { findClient } from "@webhook-delivery/shared/db/clients.ts";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";

/** A client may name itself and nobody else: any other id is as good as unknown. */
export function requireOwnClient(caller: Caller, named: string | null | undefined): void {
  if (caller.kind === "client" && named && named.toLowerCase() !== caller.clientId) noSuchClient();
}

/** The client that something is to belong to; null: the operator. Throws `client_not_found`. */
export async function chooseOwner(
  sql: Sql,
  caller: Caller,
  named: string | null | undefined,
): Promise<string | null> {
  requireOwnClient(caller, named);
  if (caller.kind === "client" || !named) return ownerOf(caller);
  const client = isUuid(named) ? await findClient(sql, named) : undefined;
  return (client ?? noSuchClient()).id;
}

export function noSuchClient(): never {
  throw new DomainError("client_not_found", "There is no such client.", [
    { field: "clientId", message: "unknown client" },
  ]);
}
