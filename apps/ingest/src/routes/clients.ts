/** `/clients`: whose rows are whose, and the keys that open them. For operators only. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { decodeCursor, encodeCursor } from "@webhook-delivery/shared/core/cursor.ts";
import { DomainError } from "@webhook-delivery/shared/core/errors.ts";
import { isUuid } from "@webhook-delivery/shared/core/ids.ts";
import { listApiKeys, revokeApiKey } from "@webhook-delivery/shared/db/api-keys.ts";
import type { Sql } from "@webhook-delivery/shared/db/client.ts";
import {
  CLIENTS_CAP,
  countClients,
  findClient,
  listClients,
  renameClient,
} from "@webhook-delivery/shared/db/clients.ts";
import { createApiKey, createClient } from "@webhook-delivery/shared/dispatch/create-client.ts";
import {
  ApiKeySchema,
  ClientListQuery,
  ClientSchema,
  ClientWithKeysSchema,
  ClientNameBody,
  KeyParams,
  NewClientBody,
  NewKeyBody,
  ShownOnceKey,
} from "./clients-schemas.ts";
import { noSuchClient } from "./owner.ts";
import { errors, IdParams, PageFields, Success } from "./schemas.ts";

const tags = ["clients"];
const config = { isForOperators: true };
const success = "success" as const;

export const clientRoutes: FastifyPluginAsyncTypebox<{ readonly sql: Sql }> = async (
  app,
  { sql },
) => {
  app.post(
    "/clients",
    {
      config,
      schema: {
        tags,
        summary: "Make a client and its first key",
        description: "The key sees and touches only what belongs to this client.",
        body: NewClientBody,
        response: {
          201: Success({ client: ClientSchema, apiKey: ShownOnceKey, key: ApiKeySchema }),
          ...errors(400, 403, 413, 415),
        },
      },
    },
    async ({ body }, reply) => {
      const made = await createClient(sql, {
        name: body.name.trim(),
        requestsPerSecond: body.requestsPerSecond ?? null,
      });
      return reply.code(201).send({
        status: success,
        client: dated(made.client),
        apiKey: made.apiKey,
        key: keyJson(made.key),
      });
    },
  );

  app.get(
    "/clients",
    {
      config,
      schema: {
        tags,
        summary: "List clients, newest first",
        querystring: ClientListQuery,
        response: {
          200: Success({ clients: Type.Array(ClientSchema), ...PageFields }),
          ...errors(400, 403),
        },
      },
    },
    async ({ query: { limit = 50, cursor } }) => {
      const beforeId = cursor === undefined ? undefined : decodeCursor(cursor);
      const [found, total] = await Promise.all([
        listClients(sql, { limit: limit + 1, beforeId }),
        countClients(sql),
      ]);
      const page = found.slice(0, limit);
      const last = page.at(-1);
      return {
        status: success,
        clients: page.map(dated),
        total: Math.min(total, CLIENTS_CAP),
        ...(total > CLIENTS_CAP && { totalIsCapped: true }),
        nextCursor: found.length > limit && last ? encodeCursor(last.id) : null,
      };
    },
  );

  app.get(
    "/clients/:id",
    {
      config,
      schema: {
        tags,
        summary: "One client with its keys",
        params: IdParams,
        response: { 200: Success({ client: ClientWithKeysSchema }), ...errors(403, 404) },
      },
    },
    async ({ params }) => {
      const client = (await findClient(sql, clientId(params.id))) ?? noSuchClient();
      const keys = await listApiKeys(sql, client.id);
      return { status: success, client: { ...dated(client), keys: keys.map(keyJson) } };
    },
  );

  app.patch(
    "/clients/:id",
    {
      config,
      schema: {
        tags,
        summary: "Rename a client",
        params: IdParams,
        body: ClientNameBody,
        response: { 200: Success({ client: ClientSchema }), ...errors(400, 403, 404, 413, 415) },
      },
    },
    async ({ params, body }) => {
      const client = await renameClient(sql, clientId(params.id), body.name.trim());
      return { status: success, client: dated(client ?? noSuchClient()) };
    },
  );

  app.post(
    "/clients/:id/keys",
    {
      config,
      schema: {
        tags,
        summary: "Make another key for a client",
        description: "The others stay valid: to replace a key, make a new one, then revoke it.",
        params: IdParams,
        body: NewKeyBody,
        response: {
          201: Success({ key: ApiKeySchema, apiKey: ShownOnceKey }),
          ...errors(400, 403, 404, 413, 415),
        },
      },
    },
    async ({ params, body }, reply) => {
      const requestsPerSecond = body?.requestsPerSecond ?? null;
      const wanted = { clientId: clientId(params.id), requestsPerSecond };
      const { key, apiKey } = (await createApiKey(sql, wanted)) ?? noSuchClient();
      return reply.code(201).send({ status: success, key: keyJson(key), apiKey });
    },
  );

  app.delete(
    "/clients/:id/keys/:keyId",
    {
      config,
      schema: {
        tags,
        summary: "Revoke a key",
        description: "It opens nothing from the next request on. Again: the same answer.",
        params: KeyParams,
        response: { 200: Success({ key: ApiKeySchema }), ...errors(403, 404) },
      },
    },
    async ({ params }) => {
      const client = (await findClient(sql, clientId(params.id))) ?? noSuchClient();
      const key = isUuid(params.keyId)
        ? await revokeApiKey(sql, { id: params.keyId, clientId: client.id })
        : undefined;
      if (key === undefined) throw new DomainError("not_found", "The client has no such key.");
      return { status: success, key: keyJson(key) };
    },
  );
};

/** What is no id cannot be anybody's. */
function clientId(text: string): string {
  return isUuid(text) ? text : noSuchClient();
}

function dated<T extends { readonly createdAt: Date }>(made: T) {
  return { ...made, createdAt: made.createdAt.toISOString() };
}

function keyJson<T extends { readonly createdAt: Date; readonly revokedAt: Date | null }>(key: T) {
  return { ...dated(key), revokedAt: key.revokedAt?.toISOString() ?? null };
}
