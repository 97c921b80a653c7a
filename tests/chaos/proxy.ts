/** A TCP proxy in front of a server, whose connections can be cut or held. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface TcpProxy {
  readonly port: number;
  /** Ends every connection at once; new ones are let through. */
  cut(): void;
  /** Nothing passes either way until `release`; connections stay open. */
  hold(): void;
  release(): void;
  /** Ends every connection and refuses new ones until `accept`. */
  refuse(): Promise<void>;
  accept(): Promise<void>;
  close(): Promise<void>;
}

export async function startProxy(targetPort: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let isHeld = false;

  const server = createServer((inside) => {
    const outside = connect(targetPort, "127.0.0.1");
    join(inside, outside);
    join(outside, inside);
    if (isHeld) for (const socket of [inside, outside]) socket.pause();
  });
  const join = (from: Socket, to: Socket): void => {
    sockets.add(from);
    from.setNoDelay(true);
    from.on("data", (chunk) => {
      if (!to.write(chunk)) from.pause();
    });
    to.on("drain", () => {
      if (!isHeld) from.resume();
    });
    from.on("error", () => to.destroy());
    from.on("close", () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  const listen = async (on: number): Promise<void> => {
    server.listen(on, "127.0.0.1");
    await once(server, "listening");
  };
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, "close");
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    port,
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    hold() {
      isHeld = true;
      for (const socket of sockets) socket.pause();
    },
    release() {
      isHeld = false;
      for (const socket of sockets) socket.resume();
    },
    refuse: stop,
    accept: () => listen(port),
    close: stop,
  };
}
