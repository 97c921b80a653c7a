/** How the services' log lines are shown: for people on a terminal, as they are everywhere else. */
import type { PrettyOptions } from "pino-pretty";

type ShowLine = (line: string) => string;

const OPTIONS: PrettyOptions = {
  colorize: true,
  singleLine: true,
  translateTime: "SYS:HH:MM:ss.l",
  messageFormat: "{process}:{if event} {event}{end}{if msg} {msg}{end}",
  ignore: "pid,process,event",
  errorLikeObjectKeys: [],
  // A stack belongs to the raw lines.
  customPrettifiers: {
    err: (error) => {
      const { name, code, message } = error as { name?: string; code?: string; message?: string };
      return `${code ?? name ?? "Error"}: ${message ?? ""}`;
    },
  },
};

export async function chooseLogLines(isForPeople: boolean): Promise<ShowLine> {
  if (!isForPeople) return (line) => line;
  // Imported here because production installs leave it out.
  const { prettyFactory } = await import("pino-pretty");
  const prettify = prettyFactory(OPTIONS);
  return (line) => (line.startsWith("{") ? prettify(line).trimEnd() : line);
}
