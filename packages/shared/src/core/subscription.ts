/** Which event types an endpoint asks for: exact ones and `prefix.*`; none at all means every type. */

/** `lead.captured`, `lead.*`, `*`. Types are visible ASCII: they travel as a header. */
export const SUBSCRIPTION_PATTERN = String.raw`^(?:\*|[!-)+-~]+(?:\.\*)?)$`;

/**
 * Every entry that selects `type`: an endpoint subscribes if it has one of them. `a.b.c` is selected by
 * itself, `a.b.*`, `a.*` and `*`, and `a` is not selected by `a.*`.
 */
export function subscriptionsTo(type: string): string[] {
  const entries = [type, "*"];
  for (let dot = type.indexOf("."); dot !== -1; dot = type.indexOf(".", dot + 1)) {
    entries.push(`${type.slice(0, dot)}.*`);
  }
  return [...new Set(entries)];
}
