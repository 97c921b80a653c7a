/**
 * A server whose listen queue is full: its machine answers no SYN, as long as the queue is not worked off.
 * It lives in a thread that stands still, since Node accepts whatever it can.
 */
import { once } from "node:events";
import net from "node:net";
import { Worker } from "node:worker_threads";

export interface FullQueue extends AsyncDisposable {
  readonly port: number;
  /** It accepts, and answers every request with 200. */
  open(): void;
}

const SERVER = `
const { workerData, parentPort } = require("node:worker_threads");
const server = require("node:http").createServer((request, response) => response.end("late"));
server.listen({ ...workerData.at, backlog: 1 }, () => {
  parentPort.postMessage(server.address().port);
  setImmediate(() => Atomics.wait(workerData.gate, 0, 0));
});
`;
/** One more than the backlog of 1 is taken; the others make sure of it. */
const FILLERS = 4;

export async function startFullQueue(at: {
  readonly host: string;
  readonly port?: number;
}): Promise<FullQueue> {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const thread = new Worker(SERVER, { eval: true, workerData: { gate, at: { port: 0, ...at } } });
  const [port] = (await once(thread, "message")) as [number];
  const open = (): void => {
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
  };
  const fillers = Array.from({ length: FILLERS }, () => net.connect({ host: at.host, port }));
  for (const filler of fillers) filler.on("error", () => {});
  await Promise.all(fillers.slice(0, 2).map((filler) => once(filler, "connect")));
  return {
    port,
    open,
    async [Symbol.asyncDispose]() {
      for (const filler of fillers) filler.destroy();
      open();
      await thread.terminate();
    },
  };
}
