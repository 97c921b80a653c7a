/** Names and values under each other; what is null is left out. */
import { visible } from "../text/visible.ts";

/** A value with colours, made visible by who coloured it. */
interface Painted {
  readonly painted: string;
}

export type Field = readonly [name: string, value: string | number | Painted | null];

export function fields(entries: readonly Field[]): string[] {
  const present = entries.filter(([, value]) => value !== null);
  const width = present.reduce((most, [name]) => Math.max(most, name.length), 0);
  return present.map(([name, value]) => {
    const text =
      typeof value === "object" && value !== null ? value.painted : visible(String(value));
    return `  ${name.padEnd(width)}  ${text}`;
  });
}
