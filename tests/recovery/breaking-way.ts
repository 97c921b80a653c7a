/**
 * A way to a server on which young connections break: the first ones are reset at each stage of their
 * beginning (greeting, sign-in, first statements) in turn, the later ones are let through.
 */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface BreakingWay extends AsyncDisposable {
  readonly port: number;
  /** How many connections broke so far. */
  readonly broken: number;
}

/** A stage is one message more from the client; PostgreSQL's sign-in with a password takes three. */
const STAGES = 8;

export async function startBreakingWay(targetPort: number, rounds: number): Promise<BreakingWay> {
  const sockets = new Set<Socket>();
  let begun = 0;
  let broken = 0;
  const server = createServer((inside) => {
    const ordinal = begun++;
    const breaksAt = ordinal < rounds * STAGES ? 1 + (ordinal % STAGES) : Infinity;
    const outside = connect(targetPort, "127.0.0.1");
    for (const [one, other] of [
      [inside, outside],
      [outside, inside],
    ] as const) {
      sockets.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    let messages = 0;
    inside.on("data", (chunk) => {
      if (++messages < breaksAt) return void outside.write(chunk);
      broken++;
      inside.resetAndDestroy();
    });
    outside.pipe(inside);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get broken() {
      return broken;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}
