/** Paths of the API with what callers put into them. */

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** `/endpoints/${id}`: each value becomes one segment, whatever is in it. Throws TypeError where none can. */
export function path(parts: TemplateStringsArray, ...ids: readonly string[]): string {
  return parts.reduce((whole, part, index) => whole + segmentOf(ids[index - 1] ?? "") + part);
}

function segmentOf(id: string): string {
  // A URL has no empty segment, and takes dots for a way up, also when they are encoded.
  if (id === "" || id === "." || id === "..") throw notAnId(id);
  try {
    return encodeURIComponent(id);
  } catch (cause) {
    // Half a surrogate pair has no UTF-8.
    throw notAnId(id, { cause });
  }
}

function notAnId(id: string, options?: ErrorOptions): TypeError {
  return new TypeError(`${JSON.stringify(id)} is not an id`, options);
}

export function withQuery(pathText: string, query: Query = {}): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  return given.length === 0 ? pathText : `${pathText}?${new URLSearchParams(given).toString()}`;
}
