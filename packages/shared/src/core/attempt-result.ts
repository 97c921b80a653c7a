/**
 * What came of one attempt to reach a receiver, as facts; what they mean for the delivery (done, retry,
 * give up) is decided elsewhere. Everything in it is fit to be stored and shown: no query string, no
 * userinfo, no U+0000 and no lone surrogate, and bounded in size.
 */
import type { DestinationVerdict } from "./destination-url.ts";
import type { Reading } from "./reading.ts";

export type AttemptResult =
  | {
      /** A status line arrived; the body may have been cut by the limit, the timeout or a reset. */
      readonly kind: "response";
      readonly status: number;
      /** Lower-case names; several values of one name joined with `, `. */
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
      /** Undefined: it means what HTTP says. */
      readonly reading?: Reading | undefined;
      /** Over TLS it asked for a client certificate, and none was given. */
      readonly asksForCertificate?: boolean;
      readonly durationMs: number;
    }
  | { readonly kind: "timeout"; readonly message: string; readonly durationMs: number }
  | {
      readonly kind: "network";
      /** The system's or TLS library's code (`ECONNREFUSED`, `CERT_HAS_EXPIRED`) or one of ours. */
      readonly code: string;
      readonly message: string;
      readonly durationMs: number;
    }
  | {
      /** Refused by us: nothing was sent. */
      readonly kind: "blocked";
      readonly verdict: DestinationVerdict;
      readonly message: string;
      readonly durationMs: number;
    };
