/** The command line's process: its arguments, environment, streams and signals; nothing else knows them. */
import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import { text } from "node:stream/consumers";
import { styleText } from "node:util";
import { DATA_FOLDER } from "@webhook-delivery/shared/development.ts";
import { findDevelopmentSecrets } from "@webhook-delivery/shared/embedded/development-secrets.ts";
import { findRunningService } from "@webhook-delivery/shared/embedded/running-service.ts";
import { EXIT } from "./exit-codes.ts";
import { run } from "./run.ts";
import { plain, type Paint } from "./text/paint.ts";

const interrupt = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    // Whoever asks twice does not want to wait.
    if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
    interrupt.abort();
  });
}

// The reader of the pipe has seen enough (`| head`): no words, no fault.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? EXIT.done : EXIT.failed);
});
process.stderr.on("error", () => undefined);

const isProduction = process.env["NODE_ENV"] === "production";
const isTerminal = process.stdout.isTTY;
const paint: Paint = (style, shown) => styleText(style, shown, { stream: process.stdout });

const exitCode = await run(process.argv.slice(2), {
  env: process.env,
  writeOut: (chunk) => void process.stdout.write(chunk),
  writeErr: (chunk) => void process.stderr.write(chunk),
  columns: isTerminal ? process.stdout.columns : undefined,
  paint: isTerminal ? paint : plain,
  developmentKey: () => (isProduction ? undefined : findDevelopmentSecrets(DATA_FOLDER)?.apiKey),
  developmentUrl: () => (isProduction ? undefined : findRunningService(DATA_FOLDER)),
  readStdin: () => text(process.stdin),
  ask: process.stdin.isTTY && process.stderr.isTTY ? ask : undefined,
  signal: interrupt.signal,
});
await Promise.all([process.stdout, process.stderr].map(written));
process.exit(exitCode);

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // In its hands Ctrl-C is no signal but a key, and after Ctrl-D there is no answer.
  terminal.on("SIGINT", () => interrupt.abort());
  const closed = once(terminal, "close").then(() => "");
  try {
    return await Promise.race([terminal.question(question, { signal: interrupt.signal }), closed]);
  } finally {
    terminal.close();
  }
}

/** `process.exit` drops what a pipe has not taken yet. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write("", () => resolve()));
}
