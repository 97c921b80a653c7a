/**
 * The documents that repeat the configuration table say what the table says. A variable that is added,
 * renamed or given another default fails here until .env.example, the README and render.yaml follow.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { VARIABLES, type ProcessName, type Variable } from "./config.ts";

const variables = Object.entries<Variable<unknown>>(VARIABLES);
const names = Object.keys(VARIABLES);

describe(".env.example", () => {
  const assignments = [...read(".env.example").matchAll(/^(#?)([A-Z][A-Z_]*)=(.*)$/gm)].map(
    ([, comment, name = "", value = ""]) => ({ name, value, isComment: comment === "#" }),
  );

  it("names every variable once and no other", () => {
    expect(assignments.map(({ name }) => name).sort()).toEqual([...names].sort());
  });

  it.each(variables)("gives %s its default", (name, { defaultText = "" }) => {
    expect(assignments.find((each) => each.name === name)?.value).toBe(defaultText);
  });

  it("sets nothing when it is copied as it stands: development has defaults of its own", () => {
    const set = assignments.filter(({ isComment, value }) => !isComment && value !== "");
    expect(set).toEqual([]);
  });

  it("leaves no line commented out that production requires", () => {
    const isCommented = new Map(assignments.map(({ name, isComment }) => [name, isComment]));
    const required = variables.filter(([, { requiredBy }]) => requiredBy.length > 0);
    expect(required.filter(([name]) => isCommented.get(name) !== false)).toEqual([]);
  });

  it("tells the development default of every variable that has one", () => {
    const told = [...read(".env.example").matchAll(/In development: (\S+)$/gm)];
    const developmentTexts = variables.map(([, { developmentText }]) => developmentText);
    expect(told.map(([, value]) => value)).toEqual(
      developmentTexts.filter((value) => value !== undefined),
    );
  });
});

describe("the README's configuration table", () => {
  const rows = tableUnder(read("README.md"), "## Configuration");

  it("has a row for every variable, in the table's order", () => {
    expect(rows.map(({ name }) => name)).toEqual(names);
  });

  it.each(variables)("tells the default of %s", (name, { defaultText, requiredBy }) => {
    const row = rows.find((each) => each.name === name);
    expect(row?.production).toBe(requiredBy.length > 0 ? "required" : cell(defaultText));
  });

  it.each(variables)("tells what %s is in development", (name, variable) => {
    const row = rows.find((each) => each.name === name);
    expect(developmentCells(variable)).toContain(row?.development);
  });
});

describe("render.yaml", () => {
  const blueprint = read("render.yaml");
  const ingest = blockOf(blueprint, "type: web");
  const worker = blockOf(blueprint, "type: worker");
  const scripts = (JSON.parse(read("package.json")) as { scripts: Record<string, string> }).scripts;
  /** Read by Node and by Render, not by us. */
  const PLATFORM_VARIABLES = ["NODE_ENV", "NODE_VERSION"];

  it.each<[ProcessName, string]>([
    ["ingest", ingest],
    // Its pre-deploy command.
    ["migrate", ingest],
    ["worker", worker],
  ])("sets what %s requires", (processName, block) => {
    const required = variables
      .filter(([, { requiredBy }]) => requiredBy.includes(processName))
      .map(([name]) => name);
    expect(keysFor(blueprint, block)).toEqual(expect.arrayContaining(required));
  });

  it("tells both processes that this is production, and where the same queue is", () => {
    for (const block of [ingest, worker]) {
      expect(keysFor(blueprint, block)).toEqual(expect.arrayContaining(["NODE_ENV", "REDIS_URL"]));
    }
  });

  it("gives no variable to a process twice", () => {
    for (const block of [ingest, worker]) {
      const keys = keysFor(blueprint, block);
      expect(keys).toEqual([...new Set(keys)]);
    }
  });

  it("names no variable that nothing reads", () => {
    const known = new Set([...names, ...PLATFORM_VARIABLES]);
    expect(keysIn(blueprint).filter((key) => !known.has(key))).toEqual([]);
  });

  it("runs what package.json's scripts run", () => {
    expect(ingest).toContain(`\n    startCommand: ${scripts["start:ingest"]}\n`);
    expect(ingest).toContain(`\n    preDeployCommand: ${scripts["migrate"]}\n`);
    expect(worker).toContain(`\n    startCommand: ${scripts["start:worker"]}\n`);
  });

  it("waits longer for a stop than the processes take", () => {
    const shutdownMs = Number(VARIABLES.SHUTDOWN_TIMEOUT_MS.defaultText);
    for (const block of [ingest, worker]) {
      const [, seconds] = /maxShutdownDelaySeconds: (\d+)\n/.exec(block) ?? [];
      expect(Number(seconds) * 1_000).toBeGreaterThan(shutdownMs);
    }
  });
});

function read(path: string): string {
  return readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
}

function cell(text: string | undefined): string {
  return text === undefined || text === "" ? "unset" : `\`${text}\``;
}

/** What production must be given, development makes up for itself. */
function developmentCells({ defaultText, developmentText }: Variable<unknown>): string[] {
  if (developmentText !== undefined) return [cell(developmentText)];
  return defaultText === undefined ? ["embedded", "generated"] : [""];
}

/** The first table under a heading, by its first three columns. */
function tableUnder(markdown: string, heading: string) {
  const [, section = ""] = markdown.split(`\n${heading}\n`);
  const lines = section.split(/\n## /)[0]?.split("\n") ?? [];
  return lines
    .map((line) => line.split("|").map((text) => text.trim()))
    .filter(([, name = ""]) => /^`[A-Z_]+`$/.test(name))
    .map(([, name = "", production = "", development = ""]) => ({
      name: name.replaceAll("`", ""),
      production,
      development,
    }));
}

/** The lines of one list item of the blueprint, found by its first line. */
function blockOf(blueprint: string, firstLine: string): string {
  const block = blueprint
    .split(/\n(?= {2}- |[a-zA-Z])/)
    .find((each) => each.startsWith(`  - ${firstLine}\n`));
  if (block === undefined) throw new Error(`render.yaml has no "- ${firstLine}"`);
  return `${block}\n`;
}

function keysIn(block: string): string[] {
  return [...block.matchAll(/^ +- key: (\S+)$/gm)].map(([, key = ""]) => key);
}

/** What a service is given by itself and by its groups. */
function keysFor(blueprint: string, block: string): string[] {
  const groups = [...block.matchAll(/^ +- fromGroup: (\S+)$/gm)].map(([, name = ""]) => name);
  return [
    ...keysIn(block),
    ...groups.flatMap((name) => keysIn(blockOf(blueprint, `name: ${name}`))),
  ];
}
