/**
 * JSON Schema validation: bodies must have the right types as they are, query strings and paths, which
 * are text by nature, are converted. Unknown fields are ignored, but
 * where a schema says otherwise.
 */
import { Ajv, type Options } from "ajv";
import addFormats from "ajv-formats";
import type { FastifyInstance } from "fastify";
import { isUuid } from "@webhook-delivery/shared/core/ids.ts";
import { DomainError } from "@webhook-delivery/shared/core/errors.ts";
import { findUnstorableText } from "@webhook-delivery/shared/core/storable-text.ts";
import { refuseUnstorableText } from "./json-body.ts";

// One error is enough for an answer, and a hostile body cannot make us collect thousands.
const OPTIONS: Options = { allErrors: false, strict: false, useDefaults: true };

export function validateStrictly(app: FastifyInstance): void {
  const exact = withFormats(new Ajv(OPTIONS));
  const converting = withFormats(new Ajv({ ...OPTIONS, coerceTypes: true }));
  app.setValidatorCompiler(({ schema, httpPart }) =>
    (httpPart === "body" ? exact : converting).compile(schema),
  );
  app.addHook("preValidation", async ({ query, params, method }) => {
    refuseUnstorableText(query, "querystring");
    // Only a PUT names what is not there yet; for all others an id that nothing can have is not found.
    if (method !== "PUT" && findUnstorableText(params, "params") !== undefined) {
      throw new DomainError("not_found", "There is nothing with this id.");
    }
    refuseUnstorableText(params, "params");
  });
  // Response schemas are documentation; what a handler returns is sent as it is.
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
}

function withFormats(ajv: Ajv): Ajv {
  // The usual check also lets "urn:uuid:…" through, which PostgreSQL does not know.
  return addFormats.default(ajv).addFormat("uuid", isUuid);
}
