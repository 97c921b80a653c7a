/** What is wrong with a request, all of it at once: each faulty field is named, whichever part has it. */
import type { FastifyRequest, FastifySchemaValidationError } from "fastify";
import { DomainError, type ErrorDetail } from "@webhook-delivery/shared/core/errors.ts";
import { MOST_NAMED } from "@webhook-delivery/shared/core/unknown-fields.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** What a schema cannot say about a body: fields that need, or exclude, one another. */
    findConflicts?: (body: unknown) => readonly ErrorDetail[];
  }
}

const PARTS = ["params", "querystring", "body", "headers"] as const;

export function misfit(details: readonly ErrorDetail[]): DomainError {
  const told = [...new Map(details.map((one) => [`${one.field} ${one.message}`, one])).values()];
  return new DomainError(
    "invalid_request",
    "The request does not fit the API.",
    told.slice(0, MOST_NAMED),
  );
}

/** The framework stops at the first part that does not fit; its validators are asked about the others. */
export function misfitOfRequest(request: FastifyRequest): DomainError {
  const found = PARTS.flatMap((part) => {
    const fits = request.getValidationFunction(part);
    if (fits === undefined) return [];
    const isFit = fits(valueOf(request, part) ?? null);
    return isFit ? [] : describeErrors(fits.errors ?? [], part);
  });
  const { findConflicts } = request.routeOptions.config;
  return misfit([
    ...found,
    ...(request.unknownFields?.mistakes ?? []),
    ...(findConflicts?.(request.body) ?? []),
  ]);
}

function valueOf(request: FastifyRequest, part: (typeof PARTS)[number]): unknown {
  return part === "querystring" ? request.query : request[part];
}

/** From what the validator found wrong with the part of the request that `context` names. */
export function describeErrors(
  found: readonly FastifySchemaValidationError[],
  context: string,
): ErrorDetail[] {
  // Unknown fields are named elsewhere, with what they may have meant.
  const about = found.filter(({ keyword }) => keyword !== "additionalProperties");
  const told = about.filter(saysMore);
  return (told.length > 0 ? told : about).map(({ instancePath, message, params }) => ({
    field: fieldPath(context, instancePath, params),
    message: wordsFor(params) ?? message ?? "is not valid",
  }));
}

/** Of a field that may be null too, the validator also says that it is not, and that nothing fits. */
function saysMore({ keyword, params }: FastifySchemaValidationError): boolean {
  return keyword !== "anyOf" && params["type"] !== "null";
}

/** Where the validator says less than would help: that there are allowed values, and not which. */
function wordsFor(params: Record<string, unknown> | undefined): string | undefined {
  if (params?.["format"] === "date-time") {
    return "must be a time such as 2026-11-21T10:00:00Z, with its offset, in the years 1 to 9999 of UTC and without a leap second";
  }
  const allowed = params?.["allowedValues"];
  return Array.isArray(allowed) ? `must be one of: ${allowed.join(", ")}` : undefined;
}

function fieldPath(
  context: string,
  instancePath: string,
  params: Record<string, unknown> | undefined,
): string {
  const property = params?.["missingProperty"];
  const path = `${context}${instancePath.replaceAll("/", ".")}`;
  return typeof property === "string" ? `${path}.${property}` : path;
}
