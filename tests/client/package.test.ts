/**
 * The package as others get it: packed, installed into a project outside of the workspace, used by plain
 * JavaScript, by TypeScript and where there is no Node.
 */
import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
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

test("npm packs the same as pnpm", async () => {
  const folder = await mkdtemp(join(project, "npm-"));
  await run("npm", ["pack", "--pack-destination", folder], { cwd: PACKAGE });
  const [tarball = ""] = await readdir(folder);
  await run("tar", ["-xzf", tarball], { cwd: folder });
  const unpacked = join(folder, "package");
  expect(await readdir(unpacked, { recursive: true }).then((files) => files.toSorted())).toEqual(
    await readdir(installed, { recursive: true }).then((files) => files.toSorted()),
  );
  const exportsOf = async (path: string) =>
    (JSON.parse(await readFile(join(path, "package.json"), "utf8")) as { exports: unknown })
      .exports;
  expect(await exportsOf(unpacked)).toEqual(await exportsOf(installed));
});

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
  await copyFile(new URL("outside/plain.js", import.meta.url), join(project, "plain.js"));
  const { stdout } = await run(node, ["plain.js", server.url], { cwd: project });
  expect(JSON.parse(stdout)).toEqual(EXPECTED);
});

/** Where `require` takes an ES module without a flag. */
const REQUIRING = NODES.filter(([version]) => Number(version.slice(1)) >= 22);

test.each(REQUIRING)("CommonJS on Node %s gets the package with require", async (_, node) => {
  const program = `const all = require("@webhook-delivery/client");
    console.log(typeof all.verify, all.verify === require("@webhook-delivery/client/verify").verify);`;
  await writeFile(join(project, "plain.cjs"), program);
  const { stdout } = await run(node, ["plain.cjs"], { cwd: project });
  expect(stdout).toBe("function true\n");
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

/** The TypeScript that these pages show, with what its surroundings would give it. */
async function examplesOf(pages: readonly string[]): Promise<string[]> {
  const texts = await Promise.all(pages.map(async (page) => readFile(join(ROOT, page), "utf8")));
  return texts.flatMap((text) =>
    Array.from(text.matchAll(/^```ts\n([^]*?)^```/gm), ([, code = ""]) => SURROUNDINGS + code),
  );
}

const SURROUNDINGS =
  "declare const process: { readonly env: Record<string, string | undefined> };\n";

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
    await copyFile(new URL("outside/typed.ts", import.meta.url), join(project, "typed.ts"));
    const shown = await examplesOf(["README.md", "packages/client/README.md"]);
    expect(shown.length).toBeGreaterThanOrEqual(3);
    const names = shown.map((_text, index) => `shown-${index}.ts`);
    for (const [index, text] of shown.entries()) {
      await writeFile(join(project, `shown-${index}.ts`), text);
    }
    const strict = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
    };
    const compilerOptions = { target: "es2022", noEmit: true, ...strict, ...settings };
    const file = join(project, "tsconfig.json");
    await writeFile(file, JSON.stringify({ compilerOptions, files: ["typed.ts", ...names] }));
    const check = run(process.execPath, [join(compiler, "bin/tsc"), "-p", file], { cwd: project });
    const said = await check.then(
      () => "",
      (error: { readonly stdout: string }) => error.stdout,
    );
    expect(said).toBe("");
  });
});
