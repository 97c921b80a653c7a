/**
 * Asks a running service what the document allows and what it does not, and holds every answer against
 * the document: no 5xx, an answer in time, a status that is documented, errors in their one shape.
 */
import { setTimeout as sleep } from "node:timers/promises";
import * as fc from "fast-check";
import type { OpenApiDocument } from "../end-to-end/openapi-document.ts";
import { requestsFor, type FuzzRequest } from "./requests.ts";
import { ID_KINDS, RECEIVER, type IdKind } from "./values.ts";

export interface FuzzOptions {
  readonly url: string;
  readonly operatorKey: string;
  readonly receiverUrl: string;
  readonly requests: number;
  readonly seed: number;
}

export interface FuzzReport {
  readonly requests: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** Operations that no request of the run was answered with 2xx for. */
  readonly neverWell: readonly string[];
  readonly problems: readonly string[];
  readonly slowestMs: number;
  /** Of the ingest process, after each quarter. */
  readonly memoryBytes: readonly number[];
}

const AT_ONCE = 16;
/** A test of an endpoint waits for its attempt, up to the delivery's timeout. */
const LONGEST_MS = 20_000;
const MOST_PROBLEMS = 20;
const IDS_KEPT = 500;
/** `unavailable` is how a test says that no worker made its attempt in time. */
const ALLOWED_5XX = new Set(["POST /webhook/test 503", "POST /endpoints/{id}/test 503"]);
/** Any request may get these, whatever its operation says. */
const EVERYWHERE = new Set([400, 401, 404, 405, 413, 414, 415, 431]);

export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { url, requests, seed } = options;
  const document = await readDocument(options);
  const clientKey = await makeClient(options);
  const generated = fc.sample(requestsFor(document), { numRuns: requests, seed });
  const keys = {
    operator: options.operatorKey,
    client: clientKey,
    stranger: "wd_nobody",
    nobody: "",
  };
  const pools = new Map<IdKind, string[]>(ID_KINDS.map((kind) => [kind, []]));
  pools.get("lead")?.push("lead-1", "lead-2");
  const problems: string[] = [];
  const byStatus: Record<string, number> = {};
  const well = new Set<string>();
  let slowestMs = 0;
  let taken = 0;
  const memoryBytes: number[] = [];

  const ask = async (request: FuzzRequest, index: number): Promise<void> => {
    const fill = (text: string): string =>
      text
        .replaceAll(RECEIVER, options.receiverUrl)
        .replaceAll(/\{some (\w+)\}/g, (_, kind: string) => pick(pools.get(kind as IdKind), index));
    const path = fill(request.path);
    const body = request.body === undefined ? undefined : fill(request.body);
    const startedAt = performance.now();
    const what = `${request.method} ${path.slice(0, 300)} as ${request.caller}, body ${body?.slice(0, 600)}`;
    try {
      const key = keys[request.caller];
      const response = await fetch(`${url}${path}`, {
        method: request.method,
        headers: { ...request.headers, ...(key !== "" && { authorization: `Bearer ${key}` }) },
        ...(body !== undefined && { body }),
        signal: AbortSignal.timeout(LONGEST_MS),
        redirect: "manual",
      });
      const text = await response.text();
      byStatus[response.status] = (byStatus[response.status] ?? 0) + 1;
      if (response.ok) well.add(request.operation);
      const problem = problemOf(document, request, response, text);
      if (problem !== undefined) problems.push(`${problem}: ${what}: ${text.slice(0, 300)}`);
      harvest(text, pools);
    } catch (error) {
      problems.push(`no answer (${String(error)}): ${what}`);
    }
    slowestMs = Math.max(slowestMs, performance.now() - startedAt);
  };

  const lane = async (): Promise<void> => {
    while (taken < generated.length && problems.length < MOST_PROBLEMS) {
      const index = taken++;
      const request = generated[index];
      if (request !== undefined) await ask(request, index);
      if (index > 0 && index % Math.ceil(requests / 4) === 0) {
        memoryBytes.push(await memoryOf(options));
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  return {
    requests: taken,
    byStatus,
    neverWell: operations.filter((name) => !well.has(name)),
    problems,
    slowestMs: Math.round(slowestMs),
    memoryBytes: [...memoryBytes, await memoryOf(options)],
  };
}

/** The newer the likelier: many of the older ones are gone. */
function pick(pool: readonly string[] | undefined, index: number): string {
  return pool?.at(-1 - ((index * 7) % Math.min(20, Math.max(1, pool.length)))) ?? "none";
}

/** `"endpoint":{"id":"…"`, `"replayId":"…"`. */
function harvest(text: string, pools: ReadonlyMap<IdKind, string[]>): void {
  const found = /"(delivery|endpoint|client|key|event|replay)(?:Id":|":\{"id":)"([0-9a-f-]{36})"/g;
  for (const [, kind, id = ""] of text.matchAll(found)) {
    const pool = pools.get(kind as IdKind);
    if (pool === undefined || pool.at(-1) === id) continue;
    pool.push(id);
    if (pool.length > IDS_KEPT) pool.shift();
  }
}

function problemOf(
  document: OpenApiDocument,
  { operation }: FuzzRequest,
  response: Response,
  text: string,
): string | undefined {
  const { status } = response;
  if (status >= 500 && !ALLOWED_5XX.has(`${operation} ${status}`)) return `${status}`;
  const [method = "", path = ""] = operation.split(" ");
  const documented = document.paths[path]?.[method.toLowerCase()]?.responses;
  if (documented !== undefined && !(status in documented) && !EVERYWHERE.has(status)) {
    return `${status} is not documented`;
  }
  if (status < 400 || method === "HEAD") return undefined;
  try {
    const { status: word, error } = JSON.parse(text) as { status: string; error: { code: string } };
    if (word === "error" && /^[a-z_]+$/.test(error.code)) return undefined;
  } catch {
    // Said below: it is no JSON.
  }
  return "an error in another shape";
}

async function readDocument({ url, operatorKey }: FuzzOptions): Promise<OpenApiDocument> {
  const headers = { authorization: `Bearer ${operatorKey}` };
  const response = await fetch(`${url}/openapi.json`, { headers });
  if (!response.ok) throw new Error(`/openapi.json was answered with ${response.status}`);
  return (await response.json()) as OpenApiDocument;
}

async function makeClient({ url, operatorKey }: FuzzOptions): Promise<string> {
  const response = await fetch(`${url}/clients`, {
    method: "POST",
    headers: { authorization: `Bearer ${operatorKey}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "fuzz" }),
  });
  return ((await response.json()) as { apiKey: string }).apiKey;
}

/** After a moment in which what was in flight is done and collected. */
async function memoryOf({ url, operatorKey }: FuzzOptions): Promise<number> {
  await sleep(500);
  const headers = { authorization: `Bearer ${operatorKey}` };
  const text = await (await fetch(`${url}/metrics`, { headers })).text();
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1] ?? NaN);
}
