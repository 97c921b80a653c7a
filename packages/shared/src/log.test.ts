import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const LOG_MODULE = fileURLToPath(new URL("log.ts", import.meta.url));

/** The lines that a process writes in which `statements` were run with a `log`. */
function linesOf(statements: string, level = "info"): Record<string, unknown>[] {
  const script = `
    import { createLog } from ${JSON.stringify(LOG_MODULE)};
    const log = createLog("worker", ${JSON.stringify(level)});
    ${statements}`;
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ["--no-warnings", "--input-type=module", "--eval", script],
    { encoding: "utf8" },
  );
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  const lines = stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("a log line", () => {
  it("is one JSON object with the process, an ISO time and what it was given", () => {
    const [line] = linesOf(`log.info({ event: "delivery.attempted", deliveryId: "d1" }, "done");`);
    expect(line).toMatchObject({
      process: "worker",
      event: "delivery.attempted",
      deliveryId: "d1",
      msg: "done",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as unknown,
    });
  });

  it("is written only at the level that was asked for", () => {
    const lines = linesOf(`log.info("no"); log.warn("yes"); log.debug("no");`, "warn");
    expect(lines.map(({ msg }) => msg)).toEqual(["yes"]);
  });

  it("tells name, message, code and cause of an error and nothing else that hangs on it", () => {
    const lines = linesOf(`
      const cause = Object.assign(new Error("connection lost"), {
        code: "ECONNRESET",
        request: { headers: { authorization: "hunter2" } },
      });
      const error = Object.assign(new TypeError("query failed", { cause }), {
        code: "23505",
        query: "insert into webhook_deliveries values ($1)",
        parameters: ["hunter2"],
        args: ["hunter2"],
        detail: "Failing row contains (hunter2).",
        toJSON: () => "hunter2",
      });
      log.error({ event: "request.failed", err: error }, "our own fault");
      log.error(error);
      log.child({ deliveryId: "d1" }).error({ err: error });
    `);
    expect(lines).toHaveLength(3);
    for (const line of lines) {
      expect(line["err"]).toEqual({
        name: "TypeError",
        message: "query failed",
        code: "23505",
        stack: expect.stringContaining("TypeError: query failed") as unknown,
        cause: {
          name: "Error",
          message: "connection lost",
          code: "ECONNRESET",
          stack: expect.any(String) as unknown,
        },
      });
    }
    expect(JSON.stringify(lines)).not.toContain("hunter2");
  });

  it.each([`"hunter2"`, `{ secret: "hunter2" }`, "null", "undefined", "7"])(
    "says of a thrown value that is no error only that it is none: %s",
    (value) => {
      const [line] = linesOf(`log.error({ err: ${value} }, "caught");`);
      expect(line).toMatchObject({ msg: "caught" });
      expect(JSON.stringify(line)).not.toContain("hunter2");
    },
  );

  it("is written for an error that is its own cause", () => {
    const [line] = linesOf(`
      const error = new Error("in a circle");
      error.cause = error;
      log.error({ err: error }, "caught");
    `);
    expect(line).toMatchObject({ msg: "caught", err: { message: "in a circle" } });
  });
});
