/** Whether a process can do its work: named checks, each bounded in time. */

/** Name → check; a check that throws or takes too long has failed. */
export type Checks = Readonly<Record<string, () => Promise<unknown>>>;

export interface Readiness {
  readonly isReady: boolean;
  /** Name → `ok` or `unavailable`. */
  readonly checks: Readonly<Record<string, string>>;
}

const CHECK_TIMEOUT_MS = 2_000;

export async function checkReadiness(checks: Checks, isStopping: boolean): Promise<Readiness> {
  const verdicts = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => [name, await verdict(check)] as const),
  );
  return {
    isReady: !isStopping && verdicts.every(([, result]) => result === "ok"),
    checks: { ...Object.fromEntries(verdicts), ...(isStopping && { process: "stopping" }) },
  };
}

async function verdict(check: () => Promise<unknown>): Promise<"ok" | "unavailable"> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<"unavailable">((resolve) => {
    timer = setTimeout(() => resolve("unavailable"), CHECK_TIMEOUT_MS);
  });
  const outcome = check().then(
    () => "ok" as const,
    () => "unavailable" as const,
  );
  return Promise.race([outcome, timeout]).finally(() => clearTimeout(timer));
}

/** The body of a readiness answer, the same on every process. */
export function readinessBody({ isReady, checks }: Readiness) {
  if (isReady) return { status: "success" as const, checks };
  const missing = Object.keys(checks).filter((name) => checks[name] !== "ok");
  return {
    status: "error" as const,
    error: { code: "not_ready" as const, message: `Not ready: ${missing.join(", ")}.` },
    checks,
  };
}
