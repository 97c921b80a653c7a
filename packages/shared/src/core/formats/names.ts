/** Names of fields where a receiver wants them in one flat object. */

/** Composing takes the square of a run of marks: 240 KB of them in one name took 8 s. */
const LONGEST_COMPOSED = 256;

/** `firstName`, `First name`, `first-name`: `first_name`. Letters of any script stay as they are. */
export function snakeCase(name: string): string {
  const composed = name.length > LONGEST_COMPOSED ? name : name.normalize("NFC");
  const words = composed
    .replaceAll(/(\p{Ll}|\p{N})(\p{Lu})/gu, "$1_$2")
    .replaceAll(/(\p{Lu})(\p{Lu}\p{Ll})/gu, "$1_$2")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}]+/gu, "_")
    .replaceAll(/^_+|_+$/g, "");
  return words === "" ? "field" : words;
}

export interface FlatObject {
  place(name: string, value: unknown): void;
  readonly json: Readonly<Record<string, unknown>>;
}

/** Nothing gets lost: a value takes a place that is still empty, or one with a name of its own. */
export function flatObject(): FlatObject {
  const members = new Map<string, unknown>();
  /** How many have the name already, so that many of one name cost no more than others. */
  const taken = new Map<string, number>();
  return {
    place(name, value) {
      if ((members.get(name) ?? null) === null) {
        members.set(name, value);
        return;
      }
      let free: string;
      do {
        const no = (taken.get(name) ?? 0) + 1;
        taken.set(name, no);
        free = no === 1 ? `custom_${name}` : `custom_${name}_${no}`;
      } while (members.has(free));
      members.set(free, value);
    },
    get json() {
      return Object.fromEntries(members);
    },
  };
}
