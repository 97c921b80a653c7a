/**
 * JSON Schema validation: bodies must have the right types as they are, query strings and paths, which
 * are text by nature, are converted. An unknown field that resembles a known one is refused, as is any
 * where a schema says so; another one is named in the answer's `warnings`. Everything that is wrong is
 * told at once (misfit.ts).
 */
import { Ajv, type Options } from "ajv";
import addFormats from "ajv-formats";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { isUuid } from "@webhook-delivery/shared/core/ids.ts";
import { DomainError } from "@webhook-delivery/shared/core/errors.ts";
import { findUnstorableText } from "@webhook-delivery/shared/core/storable-text.ts";
import { isTime } from "@webhook-delivery/shared/core/time.ts";
import {
  findUnknownFields,
  newBudget,
  type FieldsSchema,
  type UnknownFields,
} from "@webhook-delivery/shared/core/unknown-fields.ts";
import { refuseUnstorableText } from "./json-body.ts";
import { misfitOfRequest } from "./misfit.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Null before the body is there. */
    unknownFields: UnknownFields | null;
  }
  interface FastifyContextConfig {
    /** Senders put in what they like, and only what is needed is read. */
    takesAnyFields?: boolean;
  }
}

// What is found is cut where it is told; an array may be longer than its limit, but not than a body.
const OPTIONS: Options = { allErrors: true, strict: false, useDefaults: true };

export function validateStrictly(app: FastifyInstance): void {
  const exact = withFormats(new Ajv(OPTIONS));
  const converting = withFormats(new Ajv({ ...OPTIONS, coerceTypes: true }));
  app.setValidatorCompiler(({ schema, httpPart }) =>
    (httpPart === "body" ? exact : converting).compile(schema),
  );
  app.decorateRequest("unknownFields", null);
  app.addHook("preValidation", async (request) => {
    const { query, params, method } = request;
    refuseUnstorableText(query, "querystring");
    // Only a PUT names what is not there yet; for all others an id that nothing can have is not found.
    if (method !== "PUT" && findUnstorableText(params, "params") !== undefined) {
      throw new DomainError("not_found", "There is nothing with this id.");
    }
    refuseUnstorableText(params, "params");
    request.unknownFields = unknownFieldsOf(request);
  });
  app.addHook("preHandler", async (request) => {
    const mistakes = request.unknownFields?.mistakes ?? [];
    const conflicts = request.routeOptions.config.findConflicts?.(request.body) ?? [];
    if (mistakes.length + conflicts.length > 0) throw misfitOfRequest(request);
  });
  app.addHook("preSerialization", async (request, _reply, payload: unknown) => {
    const warnings = request.unknownFields?.warnings ?? [];
    return warnings.length > 0 && isSuccess(payload) ? { ...payload, warnings } : payload;
  });
  // Response schemas are documentation; what a handler returns is sent as it is.
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
}

const NOTHING_UNKNOWN: UnknownFields = { mistakes: [], warnings: [] };
const NO_FIELDS: FieldsSchema = { properties: {} };

function unknownFieldsOf({ routeOptions, body, query }: FastifyRequest): UnknownFields {
  const { config, schema } = routeOptions;
  if (config.takesAnyFields === true || schema === undefined) return NOTHING_UNKNOWN;
  const budget = newBudget();
  const known = (schema.body ?? NO_FIELDS) as FieldsSchema;
  const asked = (schema.querystring ?? NO_FIELDS) as FieldsSchema;
  // What checks itself says of each of its parts by itself what is not known there.
  const inBody = config.checksItself === true ? withoutDepth(known) : known;
  const parts = [
    findUnknownFields(inBody, body, "body", budget),
    findUnknownFields(asked, query, "querystring", budget),
  ];
  return {
    mistakes: parts.flatMap(({ mistakes }) => mistakes),
    warnings: parts.flatMap(({ warnings }) => warnings),
  };
}

function withoutDepth({ properties = {} }: FieldsSchema): FieldsSchema {
  return { properties: Object.fromEntries(Object.keys(properties).map((name) => [name, {}])) };
}

function isSuccess(payload: unknown): payload is object {
  const { status } = (payload ?? {}) as { status?: unknown };
  return status === "success";
}

function withFormats(ajv: Ajv): Ajv {
  // The usual check also lets "urn:uuid:…" through, which PostgreSQL does not know.
  return addFormats.default(ajv).addFormat("uuid", isUuid).addFormat("date-time", isTime);
}
