import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import net, { type AddressInfo, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { parseCidr } from "../core/address.ts";
import { makeCertificate } from "./certificate.fixture.ts";
import { httpAnswer, startReceiver } from "./raw-receiver.fixture.ts";
import { createSender } from "./sender.ts";

const LOOPBACK = ["127.0.0.0/8"].flatMap((text) => parseCidr(text) ?? []);
const authority = makeCertificate({ commonName: "Test Authority" });
const certificate = makeCertificate({
  commonName: "hook",
  dnsNames: ["hooks.example.com"],
  issuer: authority,
});

type Handle = (request: IncomingMessage, socket: Socket, head: Buffer) => void;

/** Connects to what it is asked for, as a proxy does. */
const tunnel: Handle = (request, socket, head) => {
  const { hostname, port } = new URL(`http://${request.url}`);
  const upstream = net.connect(Number(port), hostname, () => {
    socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
    if (head.length > 0) upstream.write(head);
    upstream.pipe(socket).pipe(upstream);
  });
  for (const [one, other] of [
    [upstream, socket],
    [socket, upstream],
  ] as const) {
    one.on("error", () => other.destroy());
  }
};

async function startProxy(handle: Handle = tunnel) {
  const asked: { readonly authority: string; readonly credentials: string | undefined }[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((_request, response) => response.writeHead(501).end());
  server.on("connection", (socket) => sockets.add(socket));
  server.on("connect", (request, socket: Socket, head: Buffer) => {
    asked.push({
      authority: request.url ?? "",
      credentials: request.headers["proxy-authorization"],
    });
    handle(request, socket, head);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    asked,
    url: (credentials = "") => new URL(`http://${credentials}127.0.0.1:${port}`),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function senderThrough(egressProxy: URL, addresses: readonly string[] = ["127.0.0.1"]) {
  const sender = createSender({
    allowedCidrs: LOOPBACK,
    requireHttps: false,
    responseBodyLimit: 1_000,
    resolve: () => Promise.resolve(addresses.map((address) => ({ address }))),
    certificateAuthorities: [authority.cert],
    egressProxy,
  });
  return {
    send: (url: string, timeoutMs = 5_000) =>
      sender.send({ url, headers: { "x-secret": "mine" }, body: "{}", timeoutMs }),
    [Symbol.asyncDispose]: () => sender.close(),
  };
}

const answering = ({ socket }: { readonly socket: Socket }) =>
  void socket.write(httpAnswer("200 OK", "hi"));

function status(text: string): Handle {
  return (_request, socket) => void socket.end(`HTTP/1.1 ${text}\r\ncontent-length: 0\r\n\r\n`);
}

describe("through an egress proxy", () => {
  it("a receiver is reached at the address that was checked here, over http and over TLS", async () => {
    await using proxy = await startProxy();
    await using sender = senderThrough(proxy.url());
    await using plain = await startReceiver(answering);
    await using secure = await startReceiver(answering, { tls: certificate });
    const reached = { kind: "response", status: 200, body: "hi" };
    expect(await sender.send(`http://hooks.example.com:${plain.port}/in`)).toMatchObject(reached);
    expect(await sender.send(`https://hooks.example.com:${secure.port}/in`)).toMatchObject(reached);
    expect(proxy.asked).toEqual(
      [plain, secure].map(({ port }) => ({
        authority: `127.0.0.1:${port}`,
        credentials: undefined,
      })),
    );
    expect(plain.requests[0]).toContain(`host: hooks.example.com:${plain.port}`);
  });

  it("its certificate is checked as ever", async () => {
    await using proxy = await startProxy();
    await using sender = senderThrough(proxy.url());
    await using receiver = await startReceiver(answering, { tls: certificate });
    const result = await sender.send(`https://other.example.com:${receiver.port}/`);
    expect(result).toMatchObject({ kind: "network", code: "ERR_TLS_CERT_ALTNAME_INVALID" });
    expect(receiver.requests).toEqual([]);
  });

  it("the receiver's other addresses are asked for when one fails or is not answered for", async () => {
    const answers: Record<string, Handle> = {
      "127.0.0.2": status("502 Bad Gateway"),
      "127.0.0.3": () => {},
      "127.0.0.1": tunnel,
    };
    await using proxy = await startProxy((request, socket, head) =>
      answers[new URL(`http://${request.url}`).hostname]?.(request, socket, head),
    );
    await using sender = senderThrough(proxy.url(), Object.keys(answers));
    await using receiver = await startReceiver(answering);
    const result = await sender.send(`http://hooks.example.com:${receiver.port}/`);
    expect(result).toMatchObject({ kind: "response", status: 200 });
    expect(proxy.asked.map(({ authority: asked }) => asked.split(":")[0])).toEqual(
      Object.keys(answers),
    );
  });

  it("the proxy may have a name", async () => {
    await using proxy = await startProxy();
    const url = proxy.url();
    url.hostname = "localhost";
    await using sender = senderThrough(url);
    await using receiver = await startReceiver(answering);
    expect(await sender.send(`http://hooks.example.com:${receiver.port}/`)).toMatchObject({
      status: 200,
    });
  });

  it.each([["10.0.0.1"], ["169.254.169.254"], ["93.184.216.34", "192.168.1.1"]])(
    "%s is refused as ever, and the proxy hears nothing of it",
    async (...addresses) => {
      await using proxy = await startProxy();
      await using sender = senderThrough(proxy.url(), addresses);
      expect(await sender.send("http://hooks.example.com/")).toMatchObject({ kind: "blocked" });
      expect(await sender.send("http://10.1.2.3/")).toMatchObject({ kind: "blocked" });
      expect(proxy.asked).toEqual([]);
    },
  );

  it("credentials are for the proxy alone", async () => {
    await using proxy = await startProxy();
    await using sender = senderThrough(proxy.url("us%40er:p%3Ass@"));
    await using receiver = await startReceiver(answering);
    await sender.send(`http://hooks.example.com:${receiver.port}/`);
    const basic = Buffer.from("us@er:p:ss").toString("base64");
    expect(proxy.asked[0]?.credentials).toBe(`Basic ${basic}`);
    expect(receiver.requests.join("\n").toLowerCase()).not.toContain("proxy-authorization");
  });

  it.each(["502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout"])(
    "%s of the proxy is the network's doing",
    async (text) => {
      await using proxy = await startProxy(status(text));
      await using sender = senderThrough(proxy.url());
      expect(await sender.send("https://hooks.example.com/")).toMatchObject({
        kind: "network",
        code: "UNREACHABLE_THROUGH_PROXY",
        message: "the egress proxy could not reach the host",
      });
    },
  );

  it.each(["407 Proxy Authentication Required", "403 Forbidden", "400 Bad Request", "302 Found"])(
    "%s of the proxy is a fault of ours",
    async (text) => {
      await using proxy = await startProxy(status(text));
      await using sender = senderThrough(proxy.url());
      await expect(sender.send("https://hooks.example.com/")).rejects.toThrow("egress proxy");
    },
  );

  it("a proxy that is away, or is none, is a fault of ours", async () => {
    const gone = await startProxy();
    const url = gone.url();
    await gone[Symbol.asyncDispose]();
    await using sender = senderThrough(url);
    await expect(sender.send("http://hooks.example.com/")).rejects.toThrow("egress proxy");
    await using silent = await startProxy((_request, socket) => void socket.destroy());
    await using other = senderThrough(silent.url());
    await expect(other.send("http://hooks.example.com/")).rejects.toThrow("egress proxy");
  });

  it("a proxy that says nothing is waited for as long as an attempt may take", async () => {
    await using proxy = await startProxy(() => {});
    await using sender = senderThrough(proxy.url());
    const result = await sender.send("https://hooks.example.com/", 300);
    expect(result).toMatchObject({ kind: "timeout", message: "no connection within 300 ms" });
  });
});

it("no variable of the environment makes one", async () => {
  await using proxy = await startProxy();
  const names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"];
  for (const name of names) process.env[name] = proxy.url().href;
  process.env["NODE_USE_ENV_PROXY"] = "1";
  try {
    const sender = createSender({
      allowedCidrs: LOOPBACK,
      requireHttps: false,
      responseBodyLimit: 10,
    });
    await using receiver = await startReceiver(answering);
    const url = `http://127.0.0.1:${receiver.port}/`;
    const result = await sender.send({ url, headers: {}, body: "{}", timeoutMs: 5_000 });
    expect(result).toMatchObject({ kind: "response", status: 200 });
    expect(proxy.asked).toEqual([]);
    await sender.close();
  } finally {
    for (const name of [...names, "NODE_USE_ENV_PROXY"]) delete process.env[name];
  }
});
