/**
 * Where words go. People's lines go to stdout without `--json`; with it stdout carries JSON and nothing
 * else. Notes and failures always go to stderr. Nothing passes that a terminal would act on, but colours.
 */
import type { ToldFailure } from "./failure.ts";
import { plain, type Paint } from "./text/paint.ts";
import { onlyColours, visibleJson } from "./text/visible.ts";

export interface OutputTo {
  readonly writeOut: (text: string) => void;
  readonly writeErr: (text: string) => void;
  /** Of the terminal; undefined: stdout is none. */
  readonly columns: number | undefined;
  readonly paint: Paint;
}

export interface Output {
  readonly isJson: boolean;
  readonly columns: number | undefined;
  readonly paint: Paint;
  /** For people; nothing with `--json`. */
  lines(lines: readonly string[]): void;
  /** One value in one piece; nothing without `--json`. */
  json(value: unknown): void;
  /** One of many values, on a line of its own; nothing without `--json`. */
  jsonLine(value: unknown): void;
  /** On stderr, for people, also with `--json`. */
  note(text: string): void;
  failure(failure: ToldFailure, seeAlso?: string): void;
}

const INDENT = 2;

/** `secrets`: what must not be written, whoever put it into an error's words. */
export function createOutput(
  to: OutputTo,
  { isJson, secrets }: { readonly isJson: boolean; readonly secrets: () => readonly string[] },
): Output {
  const withoutSecrets = (text: string): string =>
    secrets().reduce((rest, secret) => rest.replaceAll(secret, "***"), text);
  const note = (text: string): void => {
    for (const line of withoutSecrets(text).split("\n")) to.writeErr(`${onlyColours(line)}\n`);
  };
  return {
    isJson,
    columns: to.columns,
    paint: isJson ? plain : to.paint,
    lines(lines) {
      if (isJson || lines.length === 0) return;
      to.writeOut(`${lines.map(onlyColours).join("\n")}\n`);
    },
    json(value) {
      if (isJson) to.writeOut(`${visibleJson(value, INDENT)}\n`);
    },
    jsonLine(value) {
      if (isJson) to.writeOut(`${visibleJson(value)}\n`);
    },
    note,
    failure({ code, message, details, hint }, seeAlso) {
      if (isJson) {
        const error = { code, message, details };
        return to.writeErr(withoutSecrets(`${visibleJson({ error })}\n`));
      }
      // A detail that says the same adds where it is, and nothing more.
      const same = details.filter(({ message: what }) => what === message);
      const where = same.map(({ field }) => field).join(", ");
      note(`error: ${message}${where === "" ? "" : ` (${where})`}`);
      for (const detail of details) {
        if (!same.includes(detail)) note(`  ${detail.field}: ${detail.message}`);
      }
      for (const line of [hint, seeAlso]) if (line !== undefined) note(line);
    },
  };
}
