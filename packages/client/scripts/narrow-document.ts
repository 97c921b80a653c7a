/**
 * Of the service's OpenAPI document what the client's types are made from: what is asked and what is
 * answered on success, the things that appear again and again under one name each.
 */

type Json = null | boolean | number | string | readonly Json[] | JsonObject;
interface JsonObject {
  readonly [key: string]: Json;
}

/** Where each name is taken from; everywhere else the same schema becomes a reference to it. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  Attempt: ["/webhook-delivery/{id}/logs", "get", "200", "logs"],
  Delivery: ["/webhook-delivery/{id}/cancel", "post", "200", "delivery"],
  DeliveryWithAttempts: ["/webhook-delivery/{id}", "get", "200", "delivery"],
  Endpoint: ["/endpoints/{id}", "get", "200", "endpoint"],
  Replay: ["/replays/{id}", "get", "200", "replay"],
};

export function narrowDocument(document: object): object {
  const whole = document as JsonObject;
  const schemas = Object.fromEntries(
    Object.entries(NAMED).map(([name, place]) => [name, schemaAt(whole, place)]),
  );
  const names = new Map(
    Object.entries(schemas).map(([name, schema]) => [JSON.stringify(schema), name]),
  );
  const paths = Object.entries(objectIn(whole, "paths")).map(([path, operations]) => [
    path,
    mapValues(operations as JsonObject, (operation) => referTo(names, successOnly(operation))),
  ]);
  const within = mapValues(schemas, (schema) => referTo(names, schema, schema));
  return withoutExamples({
    openapi: whole["openapi"] ?? null,
    info: whole["info"] ?? null,
    paths: Object.fromEntries(paths) as JsonObject,
    components: { schemas: within },
  });
}

function schemaAt(
  document: JsonObject,
  [path = "", method = "", status = "", field = ""]: readonly string[],
) {
  const steps = ["paths", path, method, "responses", status, "content", "application/json"];
  const answer = [...steps, "schema", "properties"].reduce(objectIn, document);
  const schema = objectIn(answer, field);
  return schema["type"] === "array" ? objectIn(schema, "items") : schema;
}

function objectIn(from: JsonObject, key: string): JsonObject {
  const value = from[key];
  if (value !== null && typeof value === "object" && !isList(value)) return value;
  throw new Error(`the document has no ${key} where one was expected`);
}

/** Errors all have one form, which the client reads by itself. */
function successOnly(operation: Json): Json {
  const { responses, ...rest } = operation as JsonObject;
  const kept = Object.entries((responses ?? {}) as JsonObject).filter(([status]) => status < "300");
  return { ...rest, responses: Object.fromEntries(kept) };
}

/** `itself` is the schema that a name stands for: only what is inside it is looked at. */
function referTo(names: ReadonlyMap<string, string>, value: Json, itself?: Json): Json {
  if (value === null || typeof value !== "object") return value;
  const name = value === itself ? undefined : names.get(JSON.stringify(value));
  if (name !== undefined) return { $ref: `#/components/schemas/${name}` };
  if (isList(value)) return value.map((one) => referTo(names, one));
  return mapValues(value, (one) => referTo(names, one));
}

/** Those of whole bodies would be longer than the types; one of a single value explains it. */
function withoutExamples(value: Json): JsonObject;
function withoutExamples(value: Json): Json {
  if (value === null || typeof value !== "object") return value;
  if (isList(value)) return value.map((one) => withoutExamples(one));
  const { example: _, examples, ...rest } = value;
  const [first] = isList(examples ?? null) ? (examples as readonly Json[]) : [];
  const isShort = typeof first === "string" || typeof first === "number";
  const shown: JsonObject = isShort ? { examples: [first] } : {};
  return { ...mapValues(rest, withoutExamples), ...shown };
}

function mapValues(from: JsonObject, change: (value: Json) => Json): JsonObject {
  return Object.fromEntries(Object.entries(from).map(([key, value]) => [key, change(value)]));
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
