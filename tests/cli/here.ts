/** The command line in this process: the same runs without the time that a process of its own takes. */
import { run } from "../../apps/cli/src/run.ts";

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface Around {
  readonly stdin?: string;
  /** Over those that every run has. */
  readonly env?: Readonly<Record<string, string>>;
  readonly columns?: number;
}

export type WdHere = (args: readonly string[], around?: Around) => Promise<Said>;

export function createWdHere(environment: Readonly<Record<string, string>>): WdHere {
  return async (args, { stdin = "", env = {}, columns } = {}) => {
    let out = "";
    let err = "";
    const code = await run(args, {
      env: { ...environment, ...env },
      writeOut: (text) => (out += text),
      writeErr: (text) => (err += text),
      columns,
      paint: (_style, text) => text,
      developmentKey: () => undefined,
      developmentUrl: () => undefined,
      readStdin: () => Promise.resolve(stdin),
      ask: undefined,
      signal: new AbortController().signal,
    });
    return { code, out, err };
  };
}
