/** Requests for every operation of the OpenAPI document, good and bad. */
import * as fc from "fast-check";
import type { OpenApiDocument } from "../end-to-end/openapi-document.ts";
import { RECEIVER, valueFor, type IdKind, type Schema } from "./values.ts";

export interface FuzzRequest {
  /** `GET /endpoints/{id}`, or what was asked instead. */
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly caller: "operator" | "client" | "stranger" | "nobody";
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined: none. */
  readonly body: string | undefined;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: Schema;
}

interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
  };
}

export function requestsFor(document: OpenApiDocument): fc.Arbitrary<FuzzRequest> {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) =>
      requestFor(method.toUpperCase(), path, operation as Operation),
    ),
  );
  return fc.oneof(...operations);
}

function requestFor(method: string, path: string, operation: Operation): fc.Arbitrary<FuzzRequest> {
  const { parameters = [] } = operation;
  const inPath = parameters.filter((one) => one.in === "path");
  const inQuery = parameters.filter((one) => one.in === "query");
  const schema = operation.requestBody?.content?.["application/json"]?.schema;
  return fc
    .record({
      values: fc.tuple(
        ...inPath.map(({ name, schema: one }) =>
          valueFor(one ?? {}, name === "id" ? `${kindAt(path)}Id` : name),
        ),
      ),
      query: queryFor(inQuery),
      caller: fc.oneof(
        { weight: 12, arbitrary: fc.constant("operator" as const) },
        { weight: 6, arbitrary: fc.constant("client" as const) },
        { weight: 1, arbitrary: fc.constantFrom("stranger" as const, "nobody" as const) },
      ),
      headers: headersFor(schema !== undefined),
      body: schema === undefined ? fc.constant(undefined) : bodyFor(schema),
      prefix: fc.constantFrom("", "", "", "/api"),
      other: fc.oneof(
        { weight: 40, arbitrary: fc.constant(undefined) },
        { weight: 1, arbitrary: fc.constantFrom("PUT", "DELETE", "PATCH", "OPTIONS", "HEAD") },
      ),
    })
    .map(({ values, query, caller, headers, body, prefix, other }) => {
      const left = [...values];
      const filled = path.replaceAll(/\{\w+\}/g, () => spellParameter(left.shift()));
      return {
        operation: other === undefined ? `${method} ${path}` : `${other} ${path}`,
        method: other ?? method,
        path: `${prefix}${filled}${query === "" ? "" : `?${query}`}`,
        caller,
        headers,
        body: other === "HEAD" ? undefined : body,
      };
    });
}

const KINDS: Readonly<Record<string, IdKind>> = {
  "webhook-delivery": "delivery",
  replays: "replay",
  endpoints: "endpoint",
  events: "event",
  clients: "client",
  leads: "lead",
};

/** Whose id `{id}` is in a path. */
function kindAt(path: string): IdKind | undefined {
  return KINDS[path.split("/")[1] ?? ""];
}

function queryFor(parameters: readonly Parameter[]): fc.Arbitrary<string> {
  const fields = parameters.map(({ name, schema = {} }) =>
    fc
      .tuple(fc.constant(name), valueFor(schema, name), fc.boolean())
      .map(([key, value, isThere]) => (isThere ? `${key}=${spellParameter(value)}` : "")),
  );
  return fc.tuple(...fields).map((texts) => texts.filter((text) => text !== "").join("&"));
}

/** Placeholders stay as they are until the request is made. */
function spellParameter(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  if (text === RECEIVER || text.startsWith("{some ")) return text;
  return encodeURIComponent(text.toWellFormed());
}

function headersFor(hasBody: boolean): fc.Arbitrary<Readonly<Record<string, string>>> {
  const type = fc.oneof(
    { weight: 20, arbitrary: fc.constant("application/json") },
    {
      weight: 1,
      arbitrary: fc.constantFrom("text/plain", "application/xml", "multipart/form-data"),
    },
  );
  const key = fc.oneof(
    { weight: 6, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom("key-1", "key-2", "x".repeat(300), "") },
  );
  return fc.tuple(type, key).map(([contentType, idempotencyKey]) => {
    const headers: Record<string, string> = {};
    if (hasBody) headers["content-type"] = contentType;
    if (idempotencyKey !== undefined) headers["idempotency-key"] = idempotencyKey;
    return headers;
  });
}

function bodyFor(schema: Schema): fc.Arbitrary<string | undefined> {
  return fc.oneof(
    { weight: 30, arbitrary: valueFor(schema).map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom("", "{", "[1,", "{}", "[]", '"x"', "nul") },
    { weight: 1, arbitrary: fc.constant(`${"[".repeat(5_000)}${"]".repeat(5_000)}`) },
    { weight: 1, arbitrary: fc.constant(JSON.stringify({ payload: "x".repeat(300_000) })) },
  );
}
