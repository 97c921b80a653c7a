/** Reading a webhook's headers, from whatever a framework has them in. */

/** `Headers`, Node's `request.headers`, or any object; names in any case. */
export type WebhookHeaders =
  | Headers
  | Readonly<Record<string, string | readonly string[] | undefined>>;

/** The value of a header by its lower-case name; undefined: it is not there. */
export type ReadHeader = (name: string) => string | undefined;

export function headerReader(headers: WebhookHeaders): ReadHeader {
  if (isHeaders(headers)) return (name) => headers.get(name) ?? undefined;
  const byName = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    byName.set(name.toLowerCase(), typeof value === "string" ? value : value.join(" "));
  }
  return (name) => byName.get(name);
}

/** By what it can do: frameworks bring their own classes. */
function isHeaders(headers: WebhookHeaders): headers is Headers {
  return typeof (headers as Headers).get === "function";
}
