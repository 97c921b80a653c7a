/** Secrets that sign. In an option they stand in the process list, in a variable they do not. */

export const SECRET_VARIABLE = "WEBHOOK_SECRET";

/** An empty variable counts as unset. */
export function secretOfEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  return env[SECRET_VARIABLE] || undefined;
}
