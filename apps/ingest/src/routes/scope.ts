/** Which rows a question about many is about: everybody's, a client's or an endpoint's. */
import type { Caller } from "@webhook-delivery/shared/core/caller.ts";
import { DomainError } from "@webhook-delivery/shared/core/errors.ts";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import { isKnownEndpoint, type StatScope } from "@webhook-delivery/shared/db/stat-scope.ts";
import { chooseOwner } from "./owner.ts";

/** What a caller asks for, as far as it may; what is not there or not its own is not found. */
export async function chooseScope(
  sql: Sql,
  caller: Caller,
  { clientId: wanted, endpointId }: StatScope,
): Promise<StatScope> {
  const clientId = (await chooseOwner(sql, caller, wanted)) ?? undefined;
  if (endpointId === undefined) return { clientId };
  if (await isKnownEndpoint(sql, { endpointId, clientId })) return { clientId, endpointId };
  throw new DomainError("endpoint_not_found", "There is no such endpoint.");
}
