/**
 * Runs the built package as an edge runtime would: in a realm of its own that has what the web has and
 * nothing of Node. Takes the package's folder and a service's URL; prints what came of it as JSON.
 */
import { readFile } from "node:fs/promises";
import { createContext, SourceTextModule, type Module } from "node:vm";

const [, , folder = "", serviceUrl = ""] = process.argv;
const web = {
  AbortController,
  AbortSignal,
  atob,
  btoa,
  clearTimeout,
  crypto,
  fetch,
  Headers,
  Request,
  Response,
  setTimeout,
  TextDecoder,
  TextEncoder,
  URL,
  URLSearchParams,
};
const said: string[] = [];
const context = createContext({ ...web, serviceUrl, say: (text: string) => said.push(text) });
const modules = new Map<string, Promise<Module>>();

/** One module a file, whoever imports it. Anything but a file of the package is an error. */
async function load(specifier: string, from: string): Promise<Module> {
  if (!specifier.startsWith("./")) throw new Error(`${from} imports ${specifier}`);
  const { href } = new URL(specifier, from);
  const known = modules.get(href) ?? create(href);
  modules.set(href, known);
  return known;
}

async function create(href: string): Promise<Module> {
  return new SourceTextModule(await readFile(new URL(href), "utf8"), { identifier: href, context });
}

const program = `
  import { createClient, verify, WebhookDeliveryError } from "./dist/index.js";
  if (typeof process !== "undefined" || typeof Buffer !== "undefined") throw new Error("it is Node");
  const client = createClient({ url: serviceUrl, apiKey: "key" });
  const { id } = await client.deliver({ webhookUrl: "https://example.com/", payload: 1 });
  const error = await client.deliveries.get(id).catch((reason) => reason);
  const headers = new Headers({
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  });
  const options = { now: new Date(1614265330000) };
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const body = '{"test": 2432232314}';
  const { payload } = await verify(body, headers, secret, options);
  const refused = await verify(body + " ", headers, secret, options).catch((reason) => reason.code);
  const isError = error instanceof WebhookDeliveryError;
  say(JSON.stringify({ id, isError, code: error.code, payload, refused }));
`;
const identifier = new URL("program.js", `file://${folder}/`).href;
const main = new SourceTextModule(program, { identifier, context });
await main.link(async (specifier, { identifier: from }) => load(specifier, from));
await main.evaluate();
console.log(said.join("\n"));
