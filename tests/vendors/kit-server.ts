/** Kit's API as its pages describe it, as far as an adapter meets it. */
import {
  startVendor,
  type Vendor,
  type VendorAnswer,
  type VendorRequest,
} from "./vendor-server.ts";

export const KIT_KEY = "kit_good_key_0123456789";
const V3_KEY = KIT_KEY;
const MOST_FIELDS_AT_ONCE = 10;

export interface Kit extends Vendor {
  /** By e-mail address. */
  readonly subscribers: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** `forms/1`: the addresses in it. */
  readonly lists: ReadonlyMap<string, ReadonlySet<string>>;
}

export async function startKit(lists: readonly string[]): Promise<Kit> {
  const subscribers = new Map<string, Readonly<Record<string, unknown>>>();
  const members = new Map(lists.map((list) => [list, new Set<string>()]));

  const upsert = ({ email_address: email, first_name, fields }: VendorRequest["body"]) => {
    if (typeof email !== "string" || !email.includes("@"))
      return errors(422, "Email address is invalid");
    const known = subscribers.get(email);
    subscribers.set(email, { first_name, fields });
    const isLarge = Object.keys((fields as object | undefined) ?? {}).length > MOST_FIELDS_AT_ONCE;
    const status = isLarge ? 202 : known === undefined ? 201 : 200;
    return { status, body: { subscriber: { email_address: email, state: "active" } } };
  };

  const add = (list: string, email: unknown): VendorAnswer => {
    const found = members.get(list);
    if (found === undefined || !subscribers.has(String(email))) return errors(404, "Not Found");
    const status = found.has(String(email)) ? 200 : 201;
    found.add(String(email));
    return { status, body: { subscriber: { email_address: email } } };
  };

  const subscribeV3 = (list: string, body: VendorRequest["body"]): VendorAnswer => {
    if (body["api_key"] !== V3_KEY) {
      return { status: 401, body: { error: "Authorization Failed", message: "API Key not valid" } };
    }
    subscribers.set(String(body["email"]), body);
    members.get(list)?.add(String(body["email"]));
    return { status: 200, body: { subscription: { state: "active" } } };
  };

  const vendor = await startVendor(({ path, headers, body }) => {
    const [, version, kind = "", id = ""] = path.split("/");
    if (version === "v3") return subscribeV3(`${kind}/${id}`, body);
    if (headers["x-kit-api-key"] !== KIT_KEY) return errors(401, "The access token is invalid");
    return kind === "subscribers" ? upsert(body) : add(`${kind}/${id}`, body["email_address"]);
  });
  return { ...vendor, subscribers, lists: members };
}

function errors(status: number, ...messages: readonly string[]): VendorAnswer {
  return { status, body: { errors: messages } };
}
