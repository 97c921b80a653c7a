/** Names and values under each other; what is null is left out. */
import { visible } from "../text/visible.ts";

export type Field = readonly [name: string, value: string | number | null | undefined];

export interface FieldOptions {
  readonly indent?: string;
  /** Values that have colours already: made visible by who coloured them. */
  readonly isPainted?: boolean;
}

export function fields(
  entries: readonly Field[],
  { indent = "  ", isPainted = false }: FieldOptions = {},
): string[] {
  const present = entries.filter(([, value]) => value !== null && value !== undefined);
  const width = Math.max(0, ...present.map(([name]) => name.length));
  return present.map(([name, value]) => {
    const text = String(value);
    return `${indent}${name.padEnd(width)}  ${isPainted ? text : visible(text)}`;
  });
}
