/** Reading an OpenAPI document: its operations, bodies and examples, each with where it stands. */

export interface OpenApiDocument {
  readonly openapi: string;
  readonly tags: readonly { readonly name: string; readonly description?: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

export interface Operation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly operationId?: string;
  readonly security?: readonly object[];
  readonly parameters?: readonly (Media & { readonly name: string })[];
  readonly requestBody?: WithContent;
  readonly responses?: Readonly<Record<string, Answer>>;
}

interface WithContent {
  readonly content?: Readonly<Record<string, Media>>;
}

interface Answer extends WithContent {
  readonly description?: string;
}

interface Media {
  readonly schema?: Schema;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}

interface Schema {
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

export interface Example {
  readonly where: string;
  readonly schema: Schema;
  readonly example: unknown;
}

export function operationsOf(document: OpenApiDocument) {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      operation,
    })),
  );
}

export function isSuccess(status: string): boolean {
  return status.startsWith("2");
}

/** Answers without a key. */
export function isOpen({ security }: Operation): boolean {
  return security?.length === 0;
}

export function mediaOf({ content = {} }: WithContent) {
  return Object.entries(content).map(([type, media]) => ({ type, media }));
}

/** What it takes and what it answers. */
export function bodiesOf({ requestBody = {}, responses = {} }: Operation) {
  const parts: readonly (readonly [string, WithContent])[] = [
    ["request body", requestBody],
    ...Object.entries(responses),
  ];
  return parts.flatMap(([where, part]) =>
    mediaOf(part).map(({ type, media }) => ({ where, type, media })),
  );
}

export function examplesOf(operation: Operation): Example[] {
  const { parameters = [] } = operation;
  return [
    ...bodiesOf(operation).flatMap(({ where, media }) => examplesOfMedia(where, media)),
    ...parameters.flatMap((one) => examplesOfMedia(`parameter ${one.name}`, one)),
  ];
}

function examplesOfMedia(where: string, { schema = {}, example, examples = {} }: Media): Example[] {
  const values = Object.values(examples).map(({ value }) => value);
  return [
    ...(example === undefined ? [] : [{ where, schema, example }]),
    ...values.map((value) => ({ where, schema, example: value })),
    ...examplesOfSchema(where, schema),
  ];
}

function examplesOfSchema(where: string, schema: Schema): Example[] {
  const { examples = [], additionalProperties, items } = schema;
  const named = Object.entries({ ...schema.properties, ...schema.patternProperties });
  const inside: readonly (readonly [string, Schema])[] = [
    ...named.map(([name, one]) => [`${where}.${name}`, one] as const),
    ...(typeof additionalProperties === "object"
      ? [[`${where}.*`, additionalProperties] as const]
      : []),
    ...(items === undefined ? [] : [[`${where}[]`, items] as const]),
    ...[...(schema.anyOf ?? []), ...(schema.allOf ?? [])].map((one) => [where, one] as const),
  ];
  return [
    ...examples.map((example) => ({ where, schema, example })),
    ...inside.flatMap(([place, one]) => examplesOfSchema(place, one)),
  ];
}
