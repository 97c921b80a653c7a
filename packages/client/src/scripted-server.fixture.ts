/** A real HTTP server that answers as it is told, one answer after the other, the last one for ever. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { Answer } from "@webhook-delivery/shared/testing/receiver.ts";
import { createSignal } from "@webhook-delivery/shared/testing/signal.ts";

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface ScriptedServer extends AsyncDisposable {
  readonly url: string;
  readonly asked: readonly Asked[];
  waitFor(count: number): Promise<readonly Asked[]>;
}

function json(status: number, body: object, headers: Record<string, string> = {}): Answer {
  const type = { "content-type": "application/json" };
  return { status, body: JSON.stringify(body), headers: { ...type, ...headers } };
}

export function success(body: object = {}, status = 200): Answer {
  return json(status, { status: "success", ...body });
}

export function refusal(
  status: number,
  code: string,
  headers: Record<string, string> = {},
): Answer {
  return json(status, { status: "error", error: { code, message: `It is ${code}.` } }, headers);
}

export async function startScript(...answers: readonly Answer[]): Promise<ScriptedServer> {
  const asked: Asked[] = [];
  const signal = createSignal();
  const server = createServer((request, response) => {
    void buffer(request).then((bytes) => {
      const { method = "", url = "", headers } = request;
      const answer = answers[Math.min(asked.length, answers.length - 1)] ?? 200;
      asked.push({ method, url, headers, body: bytes.toString("utf8") });
      signal.notify();
      if (typeof answer === "function") return answer(response, request);
      const told = typeof answer === "number" ? { status: answer } : answer;
      return void response.writeHead(told.status, told.headers).end(told.body);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    waitFor: (count) =>
      signal.until(
        () => (asked.length >= count ? asked : undefined),
        () => `request ${count} (there are ${asked.length})`,
      ),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
