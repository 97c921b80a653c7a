/** The seeded monkey: one fault after the other, each undone before the next. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "./random.ts";
import type { Stack } from "./stack.ts";

export interface Fault {
  readonly what: string;
  readonly beganAt: number;
  readonly endedAt: number;
}

type Deed = (stack: Stack, random: Random) => Promise<string>;

const killWorker: Deed = async (stack, random) => {
  const worker = random.pick(stack.workers);
  await worker.kill("SIGKILL");
  await sleep(random.between(0, 2_000));
  worker.start();
  return `kill -9 ${worker.name}`;
};

const killIngest: Deed = async (stack, random) => {
  const ingest = random.pick(stack.ingests);
  await ingest.kill("SIGKILL");
  await sleep(random.between(0, 1_000));
  ingest.start();
  return `kill -9 ${ingest.name}`;
};

const killBothWorkers: Deed = async (stack, random) => {
  await Promise.all(stack.workers.map((worker) => worker.kill("SIGKILL")));
  await sleep(random.between(0, 1_000));
  for (const worker of stack.workers) worker.start();
  return "kill -9 both workers";
};

const deploy: Deed = async (stack, random) => {
  const program = random.pick([...stack.workers, ...stack.ingests]);
  await program.kill("SIGTERM");
  program.start();
  return `deploy ${program.name}`;
};

const flushRedis: Deed = async (stack) => {
  await stack.flushRedis();
  return "flush redis";
};

const restart: Deed = async (stack, random) => {
  const victim = random.pick(stack.victims);
  const signal = victim.name === "redis" ? "SIGKILL" : random.pick(["SIGINT", "SIGQUIT"] as const);
  await victim.restart(signal);
  return `restart ${victim.name} (${signal})`;
};

const freeze: Deed = async (stack, random) => {
  const victim = random.pick(stack.victims);
  victim.freeze();
  const forMs = random.between(500, 9_000);
  await sleep(forMs);
  victim.thaw();
  return `freeze ${victim.name} for ${forMs} ms`;
};

const cut: Deed = async (stack, random) => {
  const victim = random.pick(stack.victims);
  victim.proxy.cut();
  return `cut the connections to ${victim.name}`;
};

const hold: Deed = async (stack, random) => {
  const victim = random.pick(stack.victims);
  const forMs = random.between(500, 5_000);
  victim.proxy.hold();
  await sleep(forMs);
  victim.proxy.release();
  if (random.next() < 0.5) victim.proxy.cut();
  return `hold the connections to ${victim.name} for ${forMs} ms`;
};

const DEEDS: readonly [Deed, ...Deed[]] = [
  killWorker,
  killWorker,
  killBothWorkers,
  killIngest,
  deploy,
  flushRedis,
  restart,
  restart,
  freeze,
  cut,
  hold,
];

const PAUSE_MS = { from: 500, to: 3_000 };

export async function unleash(
  stack: Stack,
  random: Random,
  options: { readonly untilMs: number; readonly tell: (line: string) => void },
): Promise<Fault[]> {
  const faults: Fault[] = [];
  while (Date.now() < options.untilMs) {
    await sleep(random.between(PAUSE_MS.from, PAUSE_MS.to));
    const beganAt = Date.now();
    const what = await random.pick(DEEDS)(stack, random);
    faults.push({ what, beganAt, endedAt: Date.now() });
    options.tell(what);
  }
  return faults;
}
