/**
 * The fields of a request that its JSON Schema does not know. What a schema leaves open (`payload`,
 * `metadata`, header names) is not looked into. Where a schema takes no other fields
 * (`additionalProperties: false`), each is a mistake; elsewhere only one that resembles a known field is,
 * and any other is left out with a warning.
 */
import type { ErrorDetail } from "./errors.ts";
import { findMeant } from "./resemblance.ts";

/** As much of a JSON Schema as is looked at. */
export interface FieldsSchema {
  readonly type?: unknown;
  readonly properties?: Readonly<Record<string, FieldsSchema>>;
  readonly additionalProperties?: unknown;
  readonly patternProperties?: unknown;
  readonly items?: FieldsSchema;
  readonly anyOf?: readonly FieldsSchema[];
}

export interface UnknownFields {
  /** To be refused. */
  readonly mistakes: readonly ErrorDetail[];
  /** Left out of account. */
  readonly warnings: readonly ErrorDetail[];
}

const NONE: UnknownFields = { mistakes: [], warnings: [] };
/** A hostile body has thousands; nobody reads more. */
export const MOST_NAMED = 50;
/** Unknown names that are compared with the known ones; the others count as not known. */
const MOST_COMPARED = 200;
/** Of a name in an answer. */
const MOST_CHARACTERS = 100;

/** How many names may still be compared: shared by the parts of one request. */
export interface Budget {
  left: number;
}

export function newBudget(left = MOST_COMPARED): Budget {
  return { left };
}

/** `path` names `value` in the request, such as `body`. */
export function findUnknownFields(
  schema: FieldsSchema | undefined,
  value: unknown,
  path: string,
  budget: Budget = newBudget(),
): UnknownFields {
  const mistakes: ErrorDetail[] = [];
  const warnings: ErrorDetail[] = [];
  const visit = (at: FieldsSchema | undefined, one: unknown, place: string): void => {
    if (typeof one !== "object" || one === null || at === undefined) return;
    if (Array.isArray(one)) {
      const items = formOf(at, "items")?.items;
      if (items !== undefined) one.forEach((item, no) => visit(items, item, `${place}.${no}`));
      return;
    }
    const form = formOf(at, "properties");
    const known = form?.properties;
    if (form === undefined || known === undefined || form.patternProperties !== undefined) return;
    const given = new Set(Object.keys(one));
    for (const [name, member] of Object.entries(one)) {
      if (Object.hasOwn(known, name)) visit(known[name], member, `${place}.${name}`);
      else note(name, place, { known: Object.keys(known), given, isStrict: isStrict(form) });
    }
  };
  const note = (name: string, place: string, about: Surroundings): void => {
    const field = `${place}.${shorten(name)}`;
    const isCompared = budget.left-- > 0;
    const meant = isCompared ? findMeant(name, about.known, about.given) : undefined;
    if (meant !== undefined) {
      push(mistakes, { field, message: `is not known here; did you mean ${meant}?` });
    } else if (about.isStrict) push(mistakes, { field, message: "is not known here" });
    else push(warnings, { field, message: "is not known here and was ignored" });
  };
  if (schema === undefined) return NONE;
  visit(schema, value, path);
  return { mistakes, warnings };
}

interface Surroundings {
  readonly known: readonly string[];
  readonly given: ReadonlySet<string>;
  readonly isStrict: boolean;
}

/** Of a field that may also be null, what it is otherwise. */
function formOf(schema: FieldsSchema, key: "properties" | "items"): FieldsSchema | undefined {
  if (schema[key] !== undefined) return schema;
  return schema.anyOf?.find((form) => form[key] !== undefined);
}

function isStrict(schema: FieldsSchema): boolean {
  return schema.additionalProperties === false;
}

function push(list: ErrorDetail[], detail: ErrorDetail): void {
  if (list.length < MOST_NAMED) list.push(detail);
}

function shorten(name: string): string {
  return name.length <= MOST_CHARACTERS ? name : `${name.slice(0, MOST_CHARACTERS)}…`;
}
