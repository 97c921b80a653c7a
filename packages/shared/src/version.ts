import manifest from "../../../package.json" with { type: "json" };

/** The product's version, as receivers see it in `user-agent`. */
export const VERSION: string = manifest.version;
export const USER_AGENT = `webhook-delivery/${VERSION}`;
