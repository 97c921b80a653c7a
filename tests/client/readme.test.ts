/** The code in the README, run as it is printed but for its ports: the three receivers, and the client's two sides. */
import { mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { standardSecret } from "@webhook-delivery/shared/testing/factories.ts";
import { startScript, success } from "../../packages/client/src/scripted-server.fixture.ts";
import { codeBlocks } from "../docs/code-blocks.ts";
import { answerTo, sendAndLeave } from "./raw-request.ts";
import { isInstalled, NEXTJS_SERVER, post, signed } from "./receiver-examples.ts";
import { startExample, type ReceiverProcess } from "./receiver-process.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const README = join(ROOT, "README.md");
const BODY = '{"type":"lead.captured","data":{}}';

/** Where a receiver listens; replaced by a port that is free, and a line that says which. */
const LISTENS: readonly [string, string][] = [
  [
    ".listen(4000);",
    ".listen(0, function () { console.log(`listening on http://127.0.0.1:${this.address().port}/`); });",
  ],
  [
    'ThreadingHTTPServer(("", 4000), Receiver).serve_forever()',
    `server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(f"listening on http://127.0.0.1:{server.server_port}/", flush=True)
server.serve_forever()`,
  ],
];

let folder: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "webhook-delivery-readme-")));
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function receivers(): Promise<readonly [string, string, string, string][]> {
  const [withPackage = "", without = ""] = await codeBlocks(README, "js");
  const [python = ""] = await codeBlocks(README, "python");
  return [
    ["Node with a package", process.execPath, "with-package.mjs", withPackage],
    ["Node without a package", process.execPath, "without.mjs", without],
    ["Python", "python3", "receiver.py", python],
  ];
}

describe.for(await receivers())("%s", ([, command, file, code]) => {
  const isThere = isInstalled(command);
  const secret = standardSecret();
  let receiver: ReceiverProcess;

  beforeAll(async () => {
    if (!isThere) return;
    const [printed, own] = LISTENS.find(([text]) => code.includes(text)) ?? ["", ""];
    await writeFile(
      join(folder, file),
      code.replace(printed, () => own),
    );
    receiver = await startExample(command, [join(folder, file)], { WEBHOOK_SECRET: secret });
  });
  afterAll(() => receiver?.[Symbol.asyncDispose]());

  const isWell = async () =>
    expect(await post(receiver.url, BODY, signed(secret, BODY).standard)).toBe(204);

  test.runIf(isThere)("takes what is signed, and nothing else", async () => {
    await isWell();
    const { standard } = signed(secret, BODY);
    expect(await post(receiver.url, `${BODY} `, standard)).toBe(401);
    expect(await post(receiver.url, BODY, signed(secret, BODY, 330).standard)).toBe(401);
    expect(await post(receiver.url, BODY, {})).toBe(401);
    const odd = { ...standard, "webhook-timestamp": "²", "webhook-signature": "v1,é" };
    expect(await post(receiver.url, BODY, odd)).toBe(401);
  });

  test.runIf(isThere)("outlives an upload that breaks off", async () => {
    await sendAndLeave(receiver.url, "Content-Length: 100", "abc");
    await isWell();
  });

  test.runIf(isThere)("answers 413 to what is too large", async () => {
    const size = 1_100_000;
    const told = await answerTo(receiver.url, `Content-Length: ${size}`, "x".repeat(size));
    expect(told).toMatch(/^HTTP\/1\.\d 413 /);
    await isWell();
  });

  test.runIf(isThere).for(["-1", "abc"])("answers to the length %s", async (length) => {
    expect(await answerTo(receiver.url, `Content-Length: ${length}`)).toMatch(/^HTTP\/1\.\d 4/);
    await isWell();
  });

  test.runIf(isThere)("says again that it failed where its work fails", async () => {
    const { standard } = signed(secret, "no JSON");
    const answer = post(receiver.url, "no JSON", standard);
    // Python's server closes the connection, which is tried again as well.
    if (command === "python3") await expect(answer).rejects.toThrow("fetch failed");
    else expect(await answer).toBe(500);
    await isWell();
  });
});

test("the client's two sides: one delivers, the other turns away what is forged", async () => {
  await using service = await startScript(success({ delivery: { id: "d1" } }, 202));
  const [code = ""] = await codeBlocks(README, "ts");
  const route = join(folder, "route.ts");
  await writeFile(route, code.replace("http://localhost:3000", service.url));
  const args = ["--import", "tsx", NEXTJS_SERVER, route];
  const env = { WEBHOOK_API_KEY: "key" };
  await using receiver = await startExample(process.execPath, args, env);
  expect(service.asked).toMatchObject([{ url: "/webhook-delivery", method: "POST" }]);
  expect(await post(receiver.url, BODY, signed("test-secret", BODY).standard)).toBe(204);
  expect(await post(receiver.url, BODY, signed("another", BODY).standard)).toBe(401);
  expect(await post(receiver.url, BODY, {})).toBe(401);
});
