/**
 * The API document is whole: every operation says what it is, what it takes and what it answers, with
 * examples that are true to their schemas. Each test names what is missing, one line a thing.
 */
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startService, type TestService } from "@webhook-delivery/shared/testing/service.ts";
import {
  bodiesOf,
  examplesOf,
  isOpen,
  isSuccess,
  mediaOf,
  operationsOf,
  type OpenApiDocument,
} from "./openapi-document.ts";

const SOME_ID = "00000000-0000-7000-8000-000000000000";

let service: TestService;
let document: OpenApiDocument;

beforeAll(async () => {
  const env = { OUTBOX_SECRET: "secret-of-the-trigger", CRON_SECRET: "secret-of-the-cron" };
  service = await startService({ backend: "postgres", workers: 0, env });
  document = JSON.parse((await service.api.get("/openapi.json")).text) as OpenApiDocument;
});

afterAll(() => service[Symbol.asyncDispose]());

test("is valid OpenAPI 3.1", async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate({ ...structuredClone(document) });
  expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
  expect(validator.version).toBe("3.1");
});

test("every operation has a summary, a tag that is explained and an id of its own", () => {
  const explained = new Set(
    document.tags.filter(({ description }) => description).map(({ name }) => name),
  );
  const missing: string[] = [];
  const owners = new Map<string, string>();
  for (const { name, operation } of operationsOf(document)) {
    const { summary, tags = [], operationId } = operation;
    if (!summary) missing.push(`${name}: no summary`);
    if (tags.length === 0) missing.push(`${name}: no tag`);
    const unknown = tags.filter((tag) => !explained.has(tag));
    missing.push(...unknown.map((tag) => `${name}: the tag ${tag} is not explained`));
    if (!operationId) missing.push(`${name}: no operationId`);
    const owner = owners.get(operationId ?? "");
    if (owner) missing.push(`${name}: its operationId is that of ${owner}`);
    owners.set(operationId ?? "", name);
  }
  expect(missing).toEqual([]);
});

test("every operation says how it succeeds and that it needs a key", () => {
  const missing: string[] = [];
  for (const { name, operation } of operationsOf(document)) {
    const answers = Object.entries(operation.responses ?? {});
    const successes = answers.filter(([status]) => isSuccess(status));
    if (successes.length === 0) missing.push(`${name}: no 2xx`);
    const isClosed = answers.some(([status]) => status === "401");
    if (!isClosed && !isOpen(operation)) missing.push(`${name}: no 401`);
    const bare = successes.filter(
      ([, answer]) => !mediaOf(answer).some(({ media }) => media.schema),
    );
    missing.push(...bare.map(([status]) => `${name}: ${status} without a schema`));
    const mute = answers.filter(([, { description = "" }]) =>
      /^(?:Default Response)?$/.test(description),
    );
    missing.push(...mute.map(([status]) => `${name}: ${status} without a description`));
  }
  expect(missing).toEqual([]);
});

test("every operation that is not open to all answers 401 without a key, on both paths", async () => {
  const open: string[] = [];
  const closed = operationsOf(document).filter(({ operation }) => !isOpen(operation));
  for (const { name, method, path } of closed) {
    for (const prefix of ["", "/api"]) {
      const url = service.api.url + prefix + path.replaceAll(/\{\w+\}/g, SOME_ID);
      const { status } = await fetch(url, { method });
      if (status !== 401) open.push(`${name}: ${status} under "${prefix}"`);
    }
  }
  expect(open).toEqual([]);
});

test("every body that is JSON has an example", () => {
  const missing = operationsOf(document).flatMap(({ name, operation }) =>
    bodiesOf(operation)
      .filter(({ type, where }) => type.includes("json") && !/^[45]/.test(where))
      .filter(({ media }) => media.example === undefined && media.examples === undefined)
      .map(({ where }) => `${name}: ${where} without an example`),
  );
  expect(missing).toEqual([]);
});

test("every example is true to its schema", () => {
  const ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true }));
  const untrue = operationsOf(document).flatMap(({ name, operation }) =>
    examplesOf(operation).flatMap(({ where, schema, example }) => {
      if (ajv.validate(schema, example)) return [];
      return [`${name}: ${where}: ${ajv.errorsText()}: ${JSON.stringify(example)}`];
    }),
  );
  expect(untrue).toEqual([]);
});
