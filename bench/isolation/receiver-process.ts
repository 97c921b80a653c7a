/**
 * The receivers, in a process of their own: what they count is not delayed by the posting.
 * Each listens on its own port of 127.0.0.1. Ends with the process that started it.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { machineNow, type Answer, type Arrival, type Behaviour, type Command } from "./wire.ts";

type OpenArrival = { -readonly [K in keyof Arrival]: Arrival[K] };

/** Longer than the pauses between two deliveries to one of a hundred receivers: nothing races its end. */
const KEEP_ALIVE_MS = 120_000;

const behaviours = new Map<string, Behaviour>();
const arrivals: OpenArrival[] = [];

let work = Promise.resolve();

process.on("disconnect", () => process.exit());
process.on("message", (command: Command) => {
  work = work.then(async () => void process.send?.(await obey(command)));
});

async function obey(command: Command): Promise<Answer> {
  if (command.do === "read") return { arrivals };
  for (const [name, behaviour] of Object.entries(command.receivers)) {
    behaviours.set(name, behaviour);
  }
  if (command.do === "behave") return { done: true };
  const ports: Record<string, number> = {};
  for (const name of Object.keys(command.receivers)) ports[name] = await listen(name);
  return { ports };
}

async function listen(receiver: string): Promise<number> {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) =>
    serve(receiver, request, response),
  );
  server.listen(0, "127.0.0.1", 4_096);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

function serve(receiver: string, request: IncomingMessage, response: ServerResponse): void {
  const startedAt = machineNow();
  request.on("error", () => undefined);
  response.on("error", () => undefined);
  request.resume().on("end", () => {
    const behaviour = behaviours.get(receiver) ?? { kind: "hang" };
    const isAnswered = behaviour.kind === "answer";
    const arrival: OpenArrival = {
      id: String(request.headers["webhook-id"]),
      receiver,
      startedAt,
      arrivedAt: machineNow(),
      endedAt: Infinity,
      wasGood: isAnswered && behaviour.status < 300,
    };
    arrivals.push(arrival);
    const end = () => (arrival.endedAt = Math.min(arrival.endedAt, machineNow()));
    response.once("close", end);
    if (!isAnswered) return;
    const answer = () => {
      // Before the bytes leave: who sent it cannot know earlier that there is room for the next.
      end();
      response.writeHead(behaviour.status).end();
    };
    if (behaviour.afterMs === 0) answer();
    else setTimeout(answer, behaviour.afterMs);
  });
}
