/** Whether a process can do its work: named checks, each bounded in time, that say what is to be mended. */

/**
 * Name → check. It answers undefined, or a sentence for people that names the mend and no secret: whoever
 * may ask for `/readyz` reads it. One that throws or takes too long has failed.
 */
export type Checks = Readonly<Record<string, () => Promise<string | undefined>>>;

export interface Problem {
  /** The check's name. */
  readonly field: string;
  readonly message: string;
}

export interface Readiness {
  readonly isReady: boolean;
  /** Name → `ok` or `unavailable`. */
  readonly checks: Readonly<Record<string, string>>;
  readonly problems: readonly Problem[];
}

/** What keeps a process from its work although nothing is broken. */
export type Passage = "starting" | "stopping";

const CHECK_TIMEOUT_MS = 2_000;

export async function checkReadiness(
  checks: Checks,
  passage: Passage | undefined,
): Promise<Readiness> {
  const found = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => ({ name, problem: await ask(check) })),
  );
  const verdicts = found.map(({ name, problem }) => [
    name,
    problem === undefined ? "ok" : "unavailable",
  ]);
  const problems = found.flatMap(({ name: field, problem }) =>
    problem === undefined ? [] : [{ field, message: problem }],
  );
  return {
    isReady: passage === undefined && problems.length === 0,
    checks: { ...Object.fromEntries(verdicts), ...(passage && { process: passage }) },
    problems,
  };
}

async function ask(check: () => Promise<string | undefined>): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<string>((resolve) => {
    const late = `It did not answer within ${CHECK_TIMEOUT_MS / 1_000} s.`;
    timer = setTimeout(() => resolve(late), CHECK_TIMEOUT_MS);
  });
  // Nobody knows what the text of an unknown error holds.
  const outcome = check().catch(() => "It failed; the log of the process may say why.");
  return Promise.race([outcome, timeout]).finally(() => clearTimeout(timer));
}

/** The body of a readiness answer, the same on every process. */
export function readinessBody({ isReady, checks, problems }: Readiness) {
  if (isReady) return { status: "success" as const, checks };
  const missing = Object.keys(checks).filter((name) => checks[name] !== "ok");
  const sentences = [
    `Not ready: ${missing.join(", ")}.`,
    ...problems.map(({ message }) => message),
  ];
  return {
    status: "error" as const,
    error: {
      code: "not_ready" as const,
      message: sentences.join(" "),
      ...(problems.length > 0 && { details: [...problems] }),
    },
    checks,
  };
}
