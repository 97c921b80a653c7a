/** PostgreSQL's text and jsonb hold neither U+0000 nor half a surrogate pair. */

/** Path of the first string (value or key) of `value` that cannot be stored, or undefined. */
export function findUnstorableText(value: unknown, path: string): string | undefined {
  if (typeof value === "string") return isStorable(value) ? undefined : path;
  if (Array.isArray(value)) return findInEntries(value.entries(), path);
  if (typeof value !== "object" || value === null) return undefined;
  return findInEntries(Object.entries(value), path);
}

export function isStorable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

function findInEntries(
  entries: Iterable<[string | number, unknown]>,
  path: string,
): string | undefined {
  for (const [key, value] of entries) {
    if (typeof key === "string" && !isStorable(key)) return path;
    const found = findUnstorableText(value, `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
