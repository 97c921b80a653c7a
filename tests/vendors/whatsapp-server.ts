/** The messages call of the WhatsApp Cloud API, with the errors of its documentation. */
import { startVendor, type Vendor, type VendorAnswer } from "./vendor-server.ts";

export const TOKEN = "EAAG_good_token_0123456789";

export async function startWhatsApp(): Promise<Vendor> {
  return startVendor(({ path, headers, body }) => {
    if (headers.authorization !== `Bearer ${TOKEN}`) {
      return graphError(401, 190, "Error validating access token: Session has expired.");
    }
    if (!/^\/v\d+\.\d+\/\d+\/messages$/.test(path)) return graphError(404, 100, "Unknown path.");
    const { messaging_product: product, to, type } = body;
    if (product !== "whatsapp" || typeof to !== "string" || !/^\d+$/.test(to)) {
      return graphError(400, 131009, "(#131009) Parameter value is not valid");
    }
    if (typeof body[String(type)] !== "object") return graphError(400, 100, "Invalid parameter");
    return { status: 200, body: { messaging_product: product, messages: [{ id: "wamid.1" }] } };
  });
}

export function graphError(status: number, code: number, message: string): VendorAnswer {
  const error = { message, type: "OAuthException", code, fbtrace_id: "AbCdEf" };
  return { status, body: { error } };
}
