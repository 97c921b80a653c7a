/**
 * An example of a schema, put together from the examples inside it, so that each is written once where
 * its noun is described. What has no example and no obvious value stays without one: an example that
 * means nothing would hide that.
 */

export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly example?: unknown;
  readonly examples?: readonly unknown[];
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[] | undefined;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

/** Undefined: there is none. */
export function exampleOfSchema(schema: JsonSchema): unknown {
  const written = writtenExample(schema);
  if (written !== undefined) return written;
  if (schema.enum !== undefined) return schema.enum[0];
  if (schema.anyOf !== undefined) return exampleOfAny(schema.anyOf);
  return EXAMPLES_BY_TYPE[String(schema.type)]?.(schema);
}

const EXAMPLES_BY_TYPE: Readonly<Record<string, (schema: JsonSchema) => unknown>> = {
  object: exampleOfObject,
  array: exampleOfArray,
  boolean: () => false,
  null: () => null,
};

function writtenExample({ examples, example, const: only, default: usual }: JsonSchema): unknown {
  return [examples?.[0], example, only, usual].find((value) => value !== undefined);
}

function exampleOfAny(schemas: readonly JsonSchema[]): unknown {
  return schemas.map(exampleOfSchema).find((value) => value !== undefined);
}

function exampleOfObject({ properties = {}, required = [] }: JsonSchema): unknown {
  const example: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(properties)) {
    const isRequired = required.includes(name);
    const value = isRequired ? exampleOfSchema(schema) : writtenExample(schema);
    if (value !== undefined) example[name] = value;
    else if (isRequired) return undefined;
  }
  return example;
}

function exampleOfArray({ items }: JsonSchema): unknown {
  const item = items && exampleOfSchema(items);
  return item === undefined ? undefined : [item];
}
