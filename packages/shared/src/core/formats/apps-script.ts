/**
 * Google Apps Script's web apps. `doPost` has run when they answer: what it returns is not in that answer
 * but behind a 302 to a page that echoes it, which is for browsers. Any other redirect (to a sign-in, for
 * a script that is not shared with anyone) is none of that.
 * https://developers.google.com/apps-script/guides/content#redirects
 */
import type { Answer, Reading } from "../reading.ts";

const HOST = "script.google.com";
const ECHO_HOST = "script.googleusercontent.com";
const ECHO_PATH = /^\/(?:a\/)?macros\/echo$/;

export const appsScript = {
  isFor: (host: string) => host === HOST,
  read({ status, headers }: Answer): Reading | undefined {
    if (status !== 302 || !isEcho(headers["location"])) return undefined;
    return { isDelivered: true, isWorthRetrying: false, waitMs: 0, concerns: "delivery" };
  },
} as const;

function isEcho(location: string | undefined): boolean {
  if (location === undefined || !URL.canParse(location)) return false;
  const { protocol, hostname, port, pathname } = new URL(location);
  return protocol === "https:" && hostname === ECHO_HOST && port === "" && ECHO_PATH.test(pathname);
}
