/** A TCP port that leads to a server, or to nothing: how a database goes away and comes back. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { findFreePort } from "../embedded/processes.ts";

export interface Forwarder extends AsyncDisposable {
  readonly port: number;
  /** `url` with this port in place of the server's. */
  readonly url: string;
  /** From now on connections reach the server. */
  open(): Promise<void>;
  /** Ends every connection and refuses new ones. */
  close(): Promise<void>;
}

/** Closed at first. */
export async function createForwarder(url: string): Promise<Forwarder> {
  const target = new URL(url);
  const port = await findFreePort();
  const sockets = new Set<Socket>();
  let server: Server | undefined;

  const forward = (from: Socket): void => {
    const to = connect(Number(target.port), target.hostname);
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  };
  const close = async (): Promise<void> => {
    const closing = server;
    server = undefined;
    if (closing === undefined) return;
    closing.close();
    for (const socket of sockets) socket.destroy();
    await once(closing, "close");
  };
  return {
    port,
    url: url.replace(`:${target.port}`, `:${port}`),
    async open() {
      server = createServer(forward).listen(port, "127.0.0.1");
      await once(server, "listening");
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
