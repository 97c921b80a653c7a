/** The command line without a service: how it explains itself, and what it refuses before it asks anybody. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { hang } from "@webhook-delivery/shared/testing/receiver.ts";
import { startScript, success } from "../../../packages/client/src/scripted-server.fixture.ts";
import type { Surroundings } from "./cli.ts";
import { run } from "./run.ts";
import { plain } from "./text/paint.ts";

interface Said {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

async function wd(args: readonly string[], also: Partial<Surroundings> = {}): Promise<Said> {
  let out = "";
  let err = "";
  const exitCode = await run(args, {
    env: { WEBHOOK_DELIVERY_URL: NOWHERE, WEBHOOK_DELIVERY_API_KEY: KEY },
    writeOut: (text) => (out += text),
    writeErr: (text) => (err += text),
    columns: undefined,
    paint: plain,
    developmentKey: () => undefined,
    developmentUrl: () => undefined,
    readStdin: () => Promise.resolve("{}"),
    ask: undefined,
    signal: new AbortController().signal,
    ...also,
  });
  return { exitCode, out, err };
}

/** Nobody listens there. */
const NOWHERE = "http://127.0.0.1:10";
const KEY = "wd_a-key-that-nobody-may-see";
const ID = "01932d5e-7b1a-7c3e-9f00-5a2b7c9d1e3f";

const COMMANDS = [
  "send",
  "publish",
  "list",
  "show",
  "retry",
  "cancel",
  "replay",
  "tail",
  "stats",
  "endpoints",
  "destinations",
  "listen",
];
const ENDPOINT_COMMANDS = [
  "list",
  "show",
  "create",
  "update",
  "test",
  "enable",
  "disable",
  "delete",
  "rotate-secret",
];

describe("help", () => {
  test("is what `wd` alone prints, with every command, the exit codes and where the key comes from", async () => {
    const alone = await wd([]);
    expect(alone).toMatchObject({ exitCode: 0, err: "" });
    for (const command of COMMANDS) expect(alone.out).toMatch(new RegExp(`^  ${command}\\b`, "m"));
    expect(alone.out).toContain("Exit codes:\n  0    done");
    expect(alone.out).toContain("process list");
    expect(await wd(["--help"])).toEqual(alone);
    expect(await wd(["help"])).toEqual(alone);
  });

  test.each([
    ...COMMANDS.map((command) => [command]),
    ...ENDPOINT_COMMANDS.map((command) => ["endpoints", command]),
  ])("of %s %s has examples and the options that every command takes", async (...path) => {
    const words = path.filter((word) => word !== undefined);
    const { exitCode, out, err } = await wd([...words, "--help"]);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    expect(out).toContain(`Usage: wd ${words.join(" ")}`);
    expect(out).toContain(`Examples:\n  `);
    for (const option of ["--json", "--api-key", "--url"]) expect(out).toContain(option);
  });

  test("is the same after `help`, also of a command's command", async () => {
    expect(await wd(["help", "endpoints", "create"])).toEqual(
      await wd(["endpoints", "create", "--help"]),
    );
    expect(await wd(["help", "send"])).toEqual(await wd(["send", "--help"]));
  });

  test("wraps its options on a terminal of 60 columns", async () => {
    const { out } = await wd(["send", "--help"], { columns: 60 });
    const options = out.slice(out.indexOf("Where to:"), out.indexOf("Examples:"));
    for (const line of options.split("\n")) expect(line.length).toBeLessThanOrEqual(60);
  });

  test("tells the version", async () => {
    const { exitCode, out } = await wd(["--version"]);
    expect([exitCode, out]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
  });
});

describe("wrong usage ends with 2, before anything is asked:", () => {
  test.each<[args: string[], says: string]>([
    [["lst"], "unknown command 'lst'\n(Did you mean list?)\nSee: npx -y pnpm@12 wd --help"],
    [["endpoints", "creat"], "(Did you mean create?)\nSee: npx -y pnpm@12 wd endpoints --help"],
    [["list", "--faild"], "(Did you mean --failed?)\nSee: npx -y pnpm@12 wd list --help"],
    [["list", "--limit", "0"], "a whole number from 1 to 200"],
    [["list", "--since", "yesterday"], "a span back from now (2h, 7d) or a time"],
    [["list", "--status", "done"], "Allowed choices are pending, sent, success, failed, cancelled"],
    [["list", "--failed", "--status", "sent"], "cannot be used with option '--failed'"],
    [["list", "--all", "--limit", "5"], "cannot be used with option"],
    [["show"], "missing required argument 'id'"],
    [["show", ID, ID], "too many arguments"],
    [["retry"], "missing required argument 'id'"],
    [["send"], "Where to? Give --to URL or --endpoint ID."],
    [["send", "--to", "http://a"], "What? Give --payload JSON, --lead ID or --test."],
    [["send", "--to", "http://a", "--endpoint", ID, "--test"], "cannot be used with option"],
    [["send", "--to", "http://a", "--test", "--payload", "1"], "cannot be used with option"],
    [["send", "--to", "http://a", "--test", "--timeout", "1s"], "--timeout goes with --wait"],
    [["send", "--to", "http://a", "--payload", "{a:1}"], "--payload is no JSON"],
    [["send", "--to", "http://a", "--payload", "@/no/such/file"], "cannot be read (ENOENT)"],
    [["send", "--to", "http://a", "--payload", "-", "--metadata", "-"], "Only one option can read"],
    [["send", "--to", "http://a", "--test", "--custom-fields", "{"], "--custom-fields is no JSON"],
    [["send", "--to", "http://a", "--test", "--max-attempts", "11"], "from 1 to 10"],
    [["send", "--to", "http://a", "--test", "--idempotency-key", ""], "printable ASCII"],
    [["publish", "message.received"], "required option '--data <json>' not specified"],
    [["replay"], "required option '--since <when>' not specified"],
    [["replay", "--since", "2h", "--rate", "0"], "a number above 0"],
    [["endpoints", "create"], "required option '--url <url>' not specified"],
    [
      ["endpoints", "create", "--url", "http://a", "--header", "a"],
      "--header must be 'name: value'",
    ],
    [["endpoints", "create", "--url", "http://a", "--waits", "5s,soon"], "a span such as"],
    [["endpoints", "update", ID], "What should change?"],
    [["endpoints", "update", ID, "--enabled", "--disabled"], "cannot be used with option"],
    [["endpoints", "update", ID, "--unset", "url"], "It must be some of name, headers, "],
    [["endpoints", "update", ID, "--name", "a", "--unset", "name"], "either a value or --unset"],
    [["endpoints", "delete", ID], "give --yes"],
    [["destinations", "--state", "ajar"], "Allowed choices are closed, open, half_open"],
    [["destinations", "a.example", "--all"], "One destination, or"],
    [["listen", "--port", "70000"], "from 0 to 65535"],
    [["listen", "--secret", "whsec_%%"], "The secret cannot be used"],
    [
      ["--url", "localhost:3000", "list"],
      "url must be absolute and begin with https:// or http://",
    ],
    [["--url", "http://localhost:3000/?a=b", "list"], "url must have no query"],
  ])("wd %j", async (args, says) => {
    const { exitCode, out, err } = await wd(args);
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: "" });
    expect(err).toContain(says);
    expect(err).toContain("See: npx -y pnpm@12 wd ");
    const asJson = await wd([...args, "--json"]);
    const { error } = JSON.parse(asJson.err) as { error: { code: string; message: string } };
    expect([asJson.exitCode, asJson.out, error.code]).toEqual([2, "", "usage"]);
  });

  test("with an address that is none, rather than without a key", async () => {
    const { exitCode, err } = await wd(["--url", "localhost:3000", "list"], { env: {} });
    expect([exitCode, err]).toEqual([2, expect.stringContaining("begin with https:// or http://")]);
  });

  test("with a key that is none", async () => {
    const { exitCode, err } = await wd(["list", "--api-key", "two words"]);
    expect([exitCode, err.split("\n")[0]]).toEqual([
      2,
      "error: The key (--api-key, WEBHOOK_DELIVERY_API_KEY) cannot be used: apiKey must be the text of an API key, without blanks or line ends.",
    ]);
  });

  test("without a key", async () => {
    const { exitCode, err } = await wd(["list"], { env: {} });
    expect([exitCode, err]).toEqual([2, expect.stringContaining("error: No API key.")]);
  });
});

describe("the service is away", () => {
  test("is said in a line, with what to do, and ends with 3", async () => {
    const { exitCode, out, err } = await wd(["tail"]);
    expect({ exitCode, out }).toEqual({ exitCode: 3, out: "" });
    expect(err).toMatch(
      /^error: The service at http:\/\/127\.0\.0\.1:10 gives no usable answer: connect ECONNREFUSED.*\nIs it running/,
    );
  });

  test("is said in a line where it is asked by https and speaks http", async () => {
    const plainServer = createServer().listen(0, "127.0.0.1");
    await once(plainServer, "listening");
    try {
      const url = `https://127.0.0.1:${(plainServer.address() as AddressInfo).port}`;
      const { exitCode, err } = await wd(["--url", url, "tail"]);
      expect(exitCode).toBe(3);
      expect(err.split("\n")[0]).toBe(
        `error: The service at ${url} gives no usable answer: it does not speak TLS there (http:// instead of https://?)`,
      );
      expect(err).not.toContain("SSL");
    } finally {
      plainServer.close();
    }
  });

  test("is one JSON value on standard error with --json", async () => {
    const { exitCode, err } = await wd(["--json", "tail"]);
    expect(exitCode).toBe(3);
    expect(JSON.parse(err)).toMatchObject({ error: { code: "unreachable", details: [] } });
  });
});

/** It hung for 42 s once: each ask had its own four tries of 10 s. */
describe("a wait at a service that accepts and then says nothing", () => {
  const accepted = success({ delivery: { id: ID, status: "pending", attempts: [] } }, 202);
  const replay = { id: ID, state: "running", matched: null, replayed: 0, skipped: 0 };
  const started = success({ replayId: ID, replay }, 202);
  const send = ["send", "--to", "http://a.example", "--test", "--wait"];

  test.each([
    [send, accepted, `Delivery ${ID}`],
    [["replay", "--since", "2h", "--wait"], started, `Replay ${ID}`],
  ] as const)("%j ends when --timeout is over", async (args, answer, what) => {
    await using server = await startScript(answer, hang);
    const { exitCode, err } = await wd(["--url", server.url, ...args, "--timeout", "1s"]);
    expect({ exitCode, err }).toEqual({
      exitCode: 4,
      err: `error: ${what} is not finished after 1s.\n`,
    });
  });

  test("is Ctrl-C's to end before --timeout is over", async () => {
    await using server = await startScript(accepted, hang);
    const interrupt = new AbortController();
    const args = ["--url", server.url, ...send, "--timeout", "10m"];
    const ended = wd(args, { signal: interrupt.signal });
    await server.waitFor(2);
    interrupt.abort();
    expect(await ended).toMatchObject({
      exitCode: 130,
      err: `error: Interrupted; delivery ${ID} goes on.\n`,
    });
  });
});

test.each(["list", "endpoints list", "destinations"])(
  "wd %s says that there is nothing, a page or all of it",
  async (command) => {
    const name = command === "list" ? "deliveries" : (command.split(" ")[0] ?? "");
    await using server = await startScript(success({ [name]: [], total: 0, nextCursor: null }));
    const args = ["--url", server.url, ...command.split(" ")];
    const nothing = { exitCode: 0, out: "", err: `No ${name}.\n` };
    expect(await wd(args)).toEqual(nothing);
    expect(await wd([...args, "--all"])).toEqual(nothing);
    expect(await wd([...args, "--all", "--json"])).toEqual(nothing);
  },
);

test("retry and cancel of no ids on standard input are no failure", async () => {
  for (const command of ["retry", "cancel"]) {
    expect(await wd([command, "-"], { readStdin: () => Promise.resolve("\n") })).toEqual({
      exitCode: 0,
      out: "",
      err: "No ids on standard input: nothing to do.\n",
    });
  }
  const asJson = await wd(["retry", "-", "--json"], { readStdin: () => Promise.resolve("") });
  expect(asJson).toMatchObject({ exitCode: 0, out: "[]\n" });
});

test("the key is in no words, wherever it was put", async () => {
  const said = await Promise.all([
    wd(["tail"]),
    wd(["tail", "--json"]),
    wd(["tail", "--api-key", KEY]),
    wd([`--api-kye=${KEY}`, "list"]),
    wd(["list", `--api-kye=${KEY}`]),
    wd(["list", "--api-key", `${KEY} `]),
    wd(["show", KEY, KEY]),
    wd(["lst", "--api-key", KEY]),
  ]);
  for (const { exitCode, out, err } of said) {
    expect([exitCode > 0, err.length > 0]).toEqual([true, true]);
    expect(out + err).not.toContain(KEY);
  }
});

test("the service's --url stands before `endpoints create`, whose --url is the receiver's", async () => {
  const { exitCode, err } = await wd([
    "--url",
    "http://127.0.0.1:12",
    "endpoints",
    "create",
    "--url",
    "http://receiver.example",
  ]);
  expect(exitCode).toBe(3);
  expect(err).toContain("http://127.0.0.1:12 ");
});
