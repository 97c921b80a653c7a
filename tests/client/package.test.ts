/**
 * The package as others get it: packed, installed into a project outside of the workspace, used by plain
 * JavaScript, by TypeScript and where there is no Node.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  refusal,
  startScript,
  success,
} from "../../packages/client/src/scripted-server.fixture.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PACKAGE = join(ROOT, "packages/client");
const SETUP_TIMEOUT_MS = 240_000;

let project: string;
let installed: string;

beforeAll(async () => {
  project = await realpath(await mkdtemp(join(tmpdir(), "webhook-delivery-client-")));
  await run("npx", ["-y", "pnpm@12", "pack", "--pack-destination", project], { cwd: PACKAGE });
  const tarball = (await readdir(project)).find((name) => name.endsWith(".tgz"));
  await writeFile(join(project, "package.json"), '{ "private": true, "type": "module" }');
  await run("npm", ["install", "--no-audit", "--no-fund", `./${tarball}`], { cwd: project });
  installed = join(project, "node_modules/@webhook-delivery/client");
}, SETUP_TIMEOUT_MS);

afterAll(() => rm(project, { recursive: true, force: true }));

test("the package has its code and types, its licence, a README and no dependencies", async () => {
  const files = await readdir(installed);
  expect(files.toSorted()).toEqual(["LICENSE", "README.md", "dist", "package.json"]);
  const compiled = await readdir(join(installed, "dist"));
  expect(compiled).toEqual(expect.arrayContaining(["index.js", "index.d.ts", "verify.js"]));
  expect(compiled.filter((name) => /test|fixture/.test(name))).toEqual([]);
  const manifest: unknown = JSON.parse(await readFile(join(installed, "package.json"), "utf8"));
  expect(manifest).toMatchObject({ type: "module", sideEffects: false, license: "MIT" });
  expect(manifest).not.toHaveProperty("dependencies");
});

const PLAIN = `
import { createClient, verify as all, WebhookDeliveryError } from "@webhook-delivery/client";
import { verify } from "@webhook-delivery/client/verify";

const client = createClient({ url: process.argv[2], apiKey: "key" });
const { id } = await client.deliver({ webhookUrl: "https://example.com/", payload: 1 });
const error = await client.deliveries.get(id).catch((reason) => reason);
const headers = {
  "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
  "webhook-timestamp": "1614265330",
  "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
};
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const options = { now: new Date(1614265330000) };
const { payload } = await verify('{"test": 2432232314}', headers, secret, options);
const refused = await verify("{}", headers, secret, options).catch((reason) => reason.code);
const isError = error instanceof WebhookDeliveryError && all === verify;
console.log(JSON.stringify({ id, isError, code: error.code, payload, refused }));
`;

const EXPECTED = {
  id: "d1",
  isError: true,
  code: "not_found",
  payload: { test: 2_432_232_314 },
  refused: "no_matching_signature",
};

async function startAnswers() {
  return startScript(
    refusal(503, "unavailable"),
    success({ delivery: { id: "d1" } }, 202),
    refusal(404, "not_found"),
  );
}

/** Every Node on this machine, once a major version. */
async function nodes(): Promise<Map<string, string>> {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const found = new Map<string, string>();
  for (const path of [process.execPath, ...folders.map((folder) => join(folder, "node"))]) {
    const version = await run(path, ["--version"]).then(
      ({ stdout }) => stdout.split(".")[0] ?? "",
      () => "",
    );
    if (version !== "" && !found.has(version)) found.set(version, path);
  }
  return found;
}

const NODES = [...(await nodes())].filter(([version]) => Number(version.slice(1)) >= 20);

test.each(NODES)("plain JavaScript on Node %s delivers and verifies", async (_, node) => {
  await using server = await startAnswers();
  await writeFile(join(project, "plain.js"), PLAIN);
  const { stdout } = await run(node, ["plain.js", server.url], { cwd: project });
  expect(JSON.parse(stdout)).toEqual(EXPECTED);
});

test("a realm with fetch and Web Crypto and nothing of Node delivers and verifies", async () => {
  await using server = await startAnswers();
  const realm = fileURLToPath(new URL("bare-realm.ts", import.meta.url));
  const flags = ["--experimental-vm-modules", "--no-warnings", "--import", "tsx"];
  const { stdout } = await run(process.execPath, [...flags, realm, installed, server.url], {
    cwd: ROOT,
  });
  expect(JSON.parse(stdout)).toEqual(EXPECTED);
});

const TYPED = `
import {
  createClient, verify, WebhookDeliveryError, WebhookVerificationError,
  type BatchResult, type Client, type Delivery, type Endpoint, type NewDelivery, type NewEndpoint,
  type NewEvent, type VerifiedWebhook,
} from "@webhook-delivery/client";
import { verify as alone } from "@webhook-delivery/client/verify";

const client: Client = createClient({ url: "https://example.com", apiKey: "key" });
const wanted: NewDelivery = { webhookUrl: "https://example.com/", payload: { a: 1 } };
const delivery: Delivery = await client.deliver(wanted, { idempotencyKey: "k" });
const status: "pending" | "sent" | "success" | "failed" | "cancelled" = delivery.status;
const event: NewEvent = { type: "a.b", data: null };
const ids: readonly string[] = (await client.publish(event)).deliveries;
const types = ["a.*"] as const;
const endpoint: NewEndpoint = { url: "https://example.com/", eventTypes: types };
const created: { endpoint: Endpoint; secret: string } = await client.endpoints.create(endpoint);
const source = await client.endpoints.putForSource("s", {});
const perhaps: string | undefined = source.secret;
const results: BatchResult[] = await client.deliverBatch([wanted, { ...wanted, idempotencyKey: "i" }]);
for (const result of results) {
  const text: string = result.status === "success" ? result.delivery.id : result.error.code;
  void text;
}
for await (const one of client.deliveries.iterate({ deliveryStatus: "failed" })) void one.lastError;
const verified: VerifiedWebhook = await verify("{}", new Headers(), ["a", "b"]);
await alone(new Uint8Array(), { "webhook-id": ["a"], other: undefined }, "secret");
export async function POST(request: Request): Promise<Response> {
  try {
    await verify(await request.arrayBuffer(), request.headers, "secret", { toleranceSeconds: 60 });
  } catch (error) {
    if (error instanceof WebhookVerificationError) return new Response(error.code, { status: 400 });
    if (error instanceof WebhookDeliveryError) return new Response(error.details[0]?.field);
    throw error;
  }
  return new Response();
}
// @ts-expect-error: no such field
await client.deliver({ webhookURL: "https://example.com/" });
// @ts-expect-error: data is needed
await client.publish({ type: "a.b" });
// @ts-expect-error: no such state
await client.deliveries.list({ deliveryStatus: "lost" });
// @ts-expect-error: a parsed body cannot be verified
await verify({ a: 1 }, {}, "secret");
void [status, ids, created, perhaps, verified];
`;

describe.each([
  ["7, the workspace's", join(ROOT, "node_modules/typescript")],
  ["5", join(PACKAGE, "node_modules/typescript")],
])("TypeScript %s", (_, compiler) => {
  const web = { lib: ["es2022", "dom", "dom.iterable"], types: [] };
  const types = { types: ["node"], typeRoots: [join(ROOT, "node_modules/@types")] };
  test.each([
    ["nodenext, with the DOM's types", { module: "nodenext", ...web }],
    ["nodenext, with Node's types", { module: "nodenext", lib: ["es2022"], ...types }],
    ["a bundler", { module: "esnext", moduleResolution: "bundler", ...web }],
  ])("%s: the strictest check finds nothing wrong", async (_name, settings) => {
    await writeFile(join(project, "typed.ts"), TYPED);
    const strict = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
    };
    const compilerOptions = { target: "es2022", noEmit: true, ...strict, ...settings };
    const file = join(project, "tsconfig.json");
    await writeFile(file, JSON.stringify({ compilerOptions, files: ["typed.ts"] }));
    const check = run(process.execPath, [join(compiler, "bin/tsc"), "-p", file], { cwd: project });
    const said = await check.then(
      () => "",
      (error: { readonly stdout: string }) => error.stdout,
    );
    expect(said).toBe("");
  });
});
