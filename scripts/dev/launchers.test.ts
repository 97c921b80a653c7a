import { expect, test } from "vitest";
import { kindOfLauncher } from "./launchers.ts";

test.each([
  "npm exec pnpm@12 start",
  "pnpm start",
  "node /usr/local/bin/npx -y pnpm@12 start",
  "node /usr/lib/node_modules/npm/bin/npm-cli.js run start",
  "/home/ada/.local/share/pnpm/pnpm start",
])("knows the package manager in %s", (commandLine) => {
  expect(kindOfLauncher(commandLine)).toBe("packageManager");
});

test("takes a shell for a shell, whatever its command mentions", () => {
  expect(kindOfLauncher("/bin/sh -c 'pnpm' start")).toBe("shell");
  expect(kindOfLauncher("bash -c npx -y pnpm@12 start & sleep 60")).toBe("shell");
});

test.each(["", "-bash", "/usr/sbin/init", "node server.js", "vim /home/ada/pnpm-notes.md"])(
  "sees no launcher in '%s'",
  (commandLine) => {
    expect(kindOfLauncher(commandLine)).toBeUndefined();
  },
);
