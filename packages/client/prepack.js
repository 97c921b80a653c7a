/** Builds what is packed, also in a clone that was never installed, whichever of npm and pnpm packs it. */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const here = fileURLToPath(new URL(".", import.meta.url));
const compiler = `${root}node_modules/typescript/bin/tsc`;

if (!existsSync(compiler)) run("npx", ["-y", "pnpm@12", "install", "--frozen-lockfile"], root);
rmSync(`${here}dist`, { recursive: true, force: true });
run(process.execPath, [compiler, "-p", "tsconfig.build.json"], here);
copyFileSync(`${root}LICENSE`, `${here}LICENSE`);

/** Its output goes to stderr: who packs with --json reads stdout. */
function run(program, args, cwd) {
  const { status, error } = spawnSync(program, args, { cwd, stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} failed`, { cause: error });
}
