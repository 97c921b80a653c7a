/**
 * A receiver inside a company: its certificate is by a private authority, and it asks for ours. Neither
 * could be given, so such a receiver could not be delivered to.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeCertificate } from "@webhook-delivery/shared/http/certificate.fixture.ts";
import {
  httpAnswer,
  startReceiver,
  type RawReceiver,
} from "@webhook-delivery/shared/http/raw-receiver.fixture.ts";
import { bodyOf, register } from "@webhook-delivery/shared/testing/registry.ts";
import { startService, type TestService } from "@webhook-delivery/shared/testing/service.ts";

const authority = makeCertificate({ commonName: "Private Authority" });
const theirs = makeCertificate({ commonName: "hook", dnsNames: ["localhost"], issuer: authority });
const ours = makeCertificate({ commonName: "us", dnsNames: ["us.example"], issuer: authority });
const other = makeCertificate({ commonName: "other", dnsNames: ["other.example"] });
const tls = { certificate: ours.cert, privateKey: ours.key, ca: authority.cert };
const MASKED = { certificate: "***", privateKey: "***", ca: "***" };

let service: TestService;
let receiver: RawReceiver;

beforeAll(async () => {
  [service, receiver] = await Promise.all([
    startService({ backend: "postgres", env: { RETRY_SCHEDULE_SECONDS: "0.1" } }),
    startReceiver(({ socket }) => socket.write(httpAnswer("200 OK")), {
      tls: { ...theirs, requestCert: true, rejectUnauthorized: true, ca: authority.cert },
    }),
  ]);
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

const urlOf = () => `https://localhost:${receiver.port}/hook`;

interface Tested {
  readonly delivered: boolean;
  readonly delivery: { readonly lastError: string | null };
}

async function testOf(id: string): Promise<Tested> {
  return bodyOf(await service.api.post(`/endpoints/${id}/test`, {}), 200);
}

test("it is delivered to with what its endpoint has, which is kept to itself", async () => {
  const { endpoint } = await register(service.api, { url: urlOf(), tls });
  expect(endpoint).toMatchObject({ tls: MASKED });
  expect(await testOf(endpoint.id)).toMatchObject({ delivered: true });
  expect(receiver.requests).toHaveLength(1);

  const { sql } = service.database;
  const [row] = await sql`select * from webhook_endpoints where id = ${endpoint.id}`;
  const said = service.everythingSaid() + JSON.stringify(row);
  const [, key = "nothing"] = ours.key.split("\n");
  expect(said).not.toContain(key);
  expect(Buffer.from(row?.["tls_encrypted"]).toString("latin1")).not.toContain(key);
});

test("a change holds from the next attempt on, and says in lastError what is missing", async () => {
  const { endpoint } = await register(service.api, { url: urlOf(), tls: { ca: authority.cert } });
  expect(endpoint).toMatchObject({ tls: { certificate: null, privateKey: null, ca: "***" } });
  expect(await testOf(endpoint.id)).toMatchObject({
    delivered: false,
    delivery: { lastError: "the receiver asks for a client certificate, and none was given" },
  });
  const { certificate, privateKey } = tls;
  const changed = await service.api.send("PATCH", `/endpoints/${endpoint.id}`, {
    tls: { certificate, privateKey },
  });
  expect(changed).toMatchObject({ status: 200, body: { endpoint: { tls: MASKED } } });
  expect(await testOf(endpoint.id)).toMatchObject({ delivered: true });
  const removed = await service.api.send("PATCH", `/endpoints/${endpoint.id}`, { tls: null });
  expect(removed).toMatchObject({ status: 200, body: { endpoint: { tls: null } } });
  expect(await testOf(endpoint.id)).toMatchObject({ delivered: false });
});

test("what cannot be used is refused, and changes nothing", async () => {
  const wrong = { ...tls, privateKey: other.key };
  expect(await service.api.post("/endpoints", { url: urlOf(), tls: wrong })).toMatchObject({
    status: 400,
    body: {
      error: { code: "invalid_request", details: [{ field: "body.tls.privateKey" }] },
    },
  });
  const { endpoint } = await register(service.api, { url: urlOf(), tls });
  const refused = await service.api.send("PATCH", `/endpoints/${endpoint.id}`, {
    name: "changed",
    tls: { ca: "not a certificate" },
  });
  expect(refused).toMatchObject({ status: 400 });
  const read = await service.api.get(`/endpoints/${endpoint.id}`);
  expect(read).toMatchObject({ body: { endpoint: { name: null, tls: MASKED } } });
});
