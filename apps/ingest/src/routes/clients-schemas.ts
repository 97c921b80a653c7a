/** Clients and their keys, as requests and answers have them. */
import { Type } from "typebox";
import { Nullable, SHORT_TEXT, Timestamp, Uuid } from "./schemas.ts";

const CREATED_AT = "2026-11-21T10:00:00.000Z";

const clientExample = {
  id: "019aa5b0-7c00-7000-8000-0000000000c1",
  name: "Analytical Engines Ltd",
  createdAt: CREATED_AT,
};

const keyExample = {
  id: "019aa5b0-7c00-7000-8000-0000000000a1",
  start: "wd_V0yHd",
  requestsPerSecond: null,
  createdAt: CREATED_AT,
  revokedAt: null,
};

const clientFields = { id: Uuid, name: Type.String(), createdAt: Timestamp };

export const ClientSchema = Type.Object(clientFields, { examples: [clientExample] });

export const ApiKeySchema = Type.Object(
  {
    id: Uuid,
    start: Type.String({ description: "How the key begins. The rest is not kept." }),
    requestsPerSecond: Nullable(Type.Integer()),
    createdAt: Timestamp,
    revokedAt: Nullable(Timestamp),
  },
  { examples: [keyExample] },
);

export const ClientWithKeysSchema = Type.Object(
  { ...clientFields, keys: Type.Array(ApiKeySchema, { description: "Newest first." }) },
  { examples: [{ ...clientExample, keys: [keyExample] }] },
);

export const ShownOnceKey = Type.String({
  description: "The key. It is shown here and never again.",
  examples: ["wd_V0yHdJ9P4cT2bXk7mQ1sLr8uZ3aE6fN5gWi0oYtKjRc"],
});

const name = Type.String({
  ...SHORT_TEXT,
  pattern: String.raw`\S`,
  description: "Blanks around it are removed.",
});

const requestsPerSecond = Type.Optional(
  Nullable(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      description:
        "Requests of this key per second to one ingest process; above it 429. Null: API_RATE_LIMIT_PER_SECOND.",
    }),
  ),
);

const bodyExample = { name: "Analytical Engines Ltd" };

export const ClientNameBody = Type.Object({ name }, { examples: [bodyExample] });

export const NewClientBody = Type.Object({ name, requestsPerSecond }, { examples: [bodyExample] });

export const NewKeyBody = Nullable(
  Type.Object({ requestsPerSecond }, { examples: [{ requestsPerSecond: 100 }] }),
);

export const ClientListQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  cursor: Type.Optional(Type.String()),
});

export const KeyParams = Type.Object({ id: Type.String(), keyId: Type.String() });
