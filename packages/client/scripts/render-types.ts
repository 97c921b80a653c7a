/** TypeScript for the service's API, made from the OpenAPI document that the service publishes. */
import openapiTS, { astToString, type OpenAPI3 } from "openapi-typescript";
import { narrowDocument } from "./narrow-document.ts";

const HEADER = `/**
 * Generated from the service's OpenAPI document by \`pnpm client:types\`. Do not edit: change the
 * schemas of apps/ingest and run it again.
 */

`;

export async function renderTypes(document: object): Promise<string> {
  const nodes = await openapiTS(narrowDocument(document) as OpenAPI3, {
    // A field with a default may be left out of a request.
    defaultNonNullable: false,
    silent: true,
  });
  return HEADER + astToString(nodes);
}
