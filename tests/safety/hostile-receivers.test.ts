/**
 * Fifty receivers that do their worst at once, and one that is well: time and memory of the worker stay
 * bounded, and the one gets what is its.
 */
import { createGzip, gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findFreePort } from "@webhook-delivery/shared/embedded/processes.ts";
import {
  dripBody,
  dripHeaders,
  endlessBody,
  hang,
  reset,
  startReceiver,
  type Answer,
  type Receiver,
} from "@webhook-delivery/shared/testing/receiver.ts";
import { bodyOf, register } from "@webhook-delivery/shared/testing/registry.ts";
import { startService, type TestService } from "@webhook-delivery/shared/testing/service.ts";

const RECEIVERS = 50;
const DELIVERIES_EACH = 4;
const TIMEOUT_MS = 3_000;
const MOST_BYTES = 256 * 2 ** 20;
const MB = 2 ** 20;
/** A thousand to one. */
const BOMB = gzipSync(Buffer.alloc(100 * MB));

const tenThousandHeaders: Answer = (response) => {
  const lines = Array.from({ length: 10_000 }, (_, n) => `x-${n}: ${n}\r\n`).join("");
  response.socket?.end(`HTTP/1.1 200 OK\r\n${lines}\r\n`);
};
const hundredMegabytes: Answer = (response) => {
  response.writeHead(200, { "content-length": 100 * MB });
  const chunk = Buffer.alloc(MB);
  let left = 100;
  const pour = (): void => {
    while (left-- > 0 && response.write(chunk));
    if (left <= 0) response.end();
  };
  response.on("drain", pour);
  pour();
};
const gzipBomb: Answer = (response) => {
  response.writeHead(200, { "content-encoding": "gzip" }).end(BOMB);
};
const endlessGzip: Answer = (response) => {
  response.writeHead(200, { "content-encoding": "gzip" });
  const gzip = createGzip();
  gzip.pipe(response);
  const timer = setInterval(() => gzip.write(Buffer.alloc(MB)), 5);
  response.on("close", () => clearInterval(timer));
};
const endlessInformation: Answer = (response) => {
  const timer = setInterval(
    () => response.socket?.write("HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n"),
    1,
  );
  response.socket?.once("close", () => clearInterval(timer));
};
const closedAfterStatus: Answer = (response) => {
  response.socket?.end("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
};
const nonsense: Answer = (response) => {
  response.socket?.end("SSH-2.0-OpenSSH_9.9\r\n".repeat(1_000));
};
const WORST: readonly Answer[] = [
  hang,
  reset,
  dripHeaders,
  dripBody,
  endlessBody,
  tenThousandHeaders,
  hundredMegabytes,
  gzipBomb,
  endlessGzip,
  endlessInformation,
  closedAfterStatus,
  nonsense,
];

let service: TestService;
let receiver: Receiver;
let metricsPort: number;
beforeAll(async () => {
  metricsPort = await findFreePort();
  const env = {
    WORKER_CONCURRENCY: String(RECEIVERS),
    RATE_LIMIT_PER_SECOND: "0",
    DELIVERY_TIMEOUT_MS: String(TIMEOUT_MS),
    RETRY_SCHEDULE_SECONDS: "0.1",
    METRICS_PORT: String(metricsPort),
  };
  [service, receiver] = await Promise.all([
    startService({ backend: "redis", env }),
    startReceiver(),
  ]);
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

async function residentBytes(): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1] ?? NaN);
}

test("fifty hostile receivers at once cost the worker neither its memory nor its time", async () => {
  const { api } = service;
  let mostBytes = 0;
  let isOver = false;
  const watching = (async () => {
    while (!isOver) mostBytes = Math.max(mostBytes, await residentBytes());
  })();
  const deliveries: string[] = [];
  for (let n = 0; n < RECEIVERS; n++) {
    const { endpoint } = await register(api, {
      url: receiver.hook(WORST[n % WORST.length] ?? hang).url,
    });
    const request = { endpointId: endpoint.id, payload: { n } };
    const { results } = bodyOf<{ results: readonly { delivery: { id: string } }[] }>(
      await api.post("/webhook-delivery/batch", {
        deliveries: Array.from({ length: DELIVERIES_EACH }, () => request),
      }),
      202,
    );
    deliveries.push(...results.map(({ delivery }) => delivery.id));
  }
  const good = receiver.hook();
  const { endpoint } = await register(api, { url: good.url });
  const well = await api.deliver({ endpointId: endpoint.id, payload: "well" });
  await service.finished(well.id);
  await Promise.all(deliveries.map((id) => service.finished(id)));
  isOver = true;
  await watching;

  expect(mostBytes).toBeLessThan(MOST_BYTES);
  const attempts = await service.database.sql<{ longestMs: number; bodies: number }[]>`
    select max(duration_ms) as "longestMs", max(length(response_body)) as bodies
    from webhook_delivery_logs`;
  expect(attempts[0]?.longestMs).toBeLessThan(TIMEOUT_MS + 3_000);
  expect(attempts[0]?.bodies).toBeLessThanOrEqual(1_000);
});
