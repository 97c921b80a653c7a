import { afterAll, describe, expect, it } from "vitest";
import { parseCidr } from "../core/address.ts";
import { AddressRefusedError, type Resolve, createCheckedLookup } from "./checked-lookup.ts";
import { httpAnswer, startReceiver } from "./raw-receiver.fixture.ts";
import { type Sender, createSender } from "./sender.ts";

const LOOPBACK_V4 = ["127.0.0.0/8"].flatMap((text) => parseCidr(text) ?? []);

function answering(...addresses: readonly string[]): Resolve {
  return () => Promise.resolve(addresses.map((address) => ({ address })));
}

function lookup(resolve: Resolve, hostname = "hooks.example.com"): Promise<unknown> {
  const checked = createCheckedLookup({ allowedCidrs: LOOPBACK_V4, resolve });
  return checked(hostname, new AbortController().signal);
}

describe("the checked lookup", () => {
  it("hands on every address that it judged, in order", async () => {
    expect(await lookup(answering("2606:4700::1", "1.1.1.1"))).toEqual([
      expect.objectContaining({ address: "2606:4700::1", family: 6 }),
      expect.objectContaining({ address: "1.1.1.1", family: 4 }),
    ]);
  });

  it.each([
    ["private", "10.0.0.1"],
    ["cloud_metadata", "169.254.169.254"],
    ["loopback", "::1"],
    ["v4_mapped", "::ffff:127.0.0.1"],
    ["unparseable", "fe80::1%eth0"],
    ["unparseable", "nonsense"],
  ])("refuses the whole name for one %s address among public ones", async (verdict, address) => {
    const refused = lookup(answering("1.1.1.1", address, "8.8.8.8"));
    await expect(refused).rejects.toBeInstanceOf(AddressRefusedError);
    await expect(refused).rejects.toMatchObject({
      verdict,
      address,
      message: expect.not.stringContaining(address),
    });
  });

  it("hands on a literal address, and asks nobody", async () => {
    const asked = (): never => {
      throw new Error("asked");
    };
    expect(await lookup(asked, "2606:4700::1")).toEqual([{ address: "2606:4700::1", family: 6 }]);
  });

  it("uses the open half of localhost, but not of any other name", async () => {
    const both = answering("::1", "127.0.0.1");
    expect(await lookup(both, "localhost")).toEqual([
      expect.objectContaining({ address: "127.0.0.1" }),
    ]);
    await expect(lookup(both)).rejects.toThrow("loopback");
  });

  it("takes an empty answer for a name that does not exist, and passes failures on", async () => {
    await expect(lookup(answering())).rejects.toMatchObject({ code: "ENOTFOUND" });
    const failure = Object.assign(new Error("try again"), { code: "EAI_AGAIN" });
    await expect(lookup(() => Promise.reject(failure))).rejects.toBe(failure);
  });
});

describe("a sender", () => {
  const senders: Sender[] = [];
  afterAll(() => Promise.all(senders.map((sender) => sender.close())));

  function open(resolve: Resolve): Sender {
    const rules = { allowedCidrs: LOOPBACK_V4, requireHttps: false, responseBodyLimit: 1_000 };
    const sender = createSender({ ...rules, resolve });
    senders.push(sender);
    return sender;
  }

  function post(url: string, timeoutMs = 5_000): Parameters<Sender["send"]>[0] {
    return { url, headers: {}, body: "{}", timeoutMs };
  }

  it("blocks a name with one public and one private address, and connects nowhere", async () => {
    const sender = open(answering("1.1.1.1", "10.0.0.1"));
    expect(await sender.send(post("http://hooks.example.com/"))).toMatchObject({
      kind: "blocked",
      verdict: "private",
      message: "the host resolves to an address that is not public (private)",
    });
  });

  it("connects to the checked answer and asks no second time, whatever the name says then", async () => {
    await using receiver = await startReceiver(({ socket }) =>
      socket.end(httpAnswer("200 OK", "", "connection: close\r\n")),
    );
    const asked: string[] = [];
    const sender = open((hostname) => {
      asked.push(hostname);
      return Promise.resolve([{ address: asked.length === 1 ? "127.0.0.1" : "169.254.169.254" }]);
    });
    const url = `http://rebinding.example.com:${receiver.port}/`;
    expect(await sender.send(post(url))).toMatchObject({ status: 200 });
    expect(asked).toEqual(["rebinding.example.com"]);
    const second = await sender.send(post(url));
    expect(second).toMatchObject({ kind: "blocked", verdict: "cloud_metadata" });
    expect(receiver.sockets).toHaveLength(1);
  });

  it("tries the next address when the first does not take the connection", async () => {
    await using receiver = await startReceiver(({ socket }) => socket.write(httpAnswer("200 OK")));
    const sender = open(answering("127.255.255.254", "127.0.0.1"));
    const result = await sender.send(post(`http://hooks.example.com:${receiver.port}/`));
    expect(result).toMatchObject({ status: 200 });
  });

  it.each([
    ["http://10.0.0.1/", "private"],
    ["http://[::1]:3000/", "loopback"],
    ["http://0xa9fea9fe/latest/meta-data", "cloud_metadata"],
    ["http://metadata.google.internal/", "local_name"],
    ["ftp://example.com/", "bad_scheme"],
    ["https://user:secret@example.com/", "credentials_in_url"],
  ])("blocks %s without asking a name server", async (url, verdict) => {
    const sender = open(() => Promise.reject(new Error("asked")));
    const result = await sender.send(post(url));
    expect(result).toMatchObject({ kind: "blocked", verdict });
    expect(JSON.stringify(result)).not.toContain("secret");
  });

  it("reports a name that does not exist as a network failure", async () => {
    const sender = open(answering());
    expect(await sender.send(post("http://nowhere.invalid/?token=secret"))).toMatchObject({
      kind: "network",
      code: "ENOTFOUND",
      message: "the host name was not found",
    });
  });

  it("stops waiting for a name server when the time is over", async () => {
    const sender = open(() => new Promise(() => {}));
    const result = await sender.send(post("http://slow.example.com/", 100));
    expect(result).toMatchObject({ kind: "timeout", message: "no connection within 100 ms" });
  });

  it("reaches localhost with the system's resolver", async () => {
    await using receiver = await startReceiver(({ socket }) => socket.write(httpAnswer("200 OK")));
    const rules = { allowedCidrs: LOOPBACK_V4, requireHttps: false, responseBodyLimit: 1_000 };
    const sender = createSender(rules);
    senders.push(sender);
    const result = await sender.send(post(`http://localhost:${receiver.port}/`));
    expect(result).toMatchObject({ status: 200 });
  });
});
