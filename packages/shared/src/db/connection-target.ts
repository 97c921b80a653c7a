/** What connections to PostgreSQL are made from: a connection string that has been read. Types only. */
import type { ConnectionOptions } from "node:tls";

export interface Host {
  /** As it was given: what a certificate must name. */
  readonly name: string;
  /** A name, an address, or the path of a socket. */
  readonly address: string;
  readonly port: number;
  readonly isSocket: boolean;
}

export interface ConnectionTarget {
  readonly hosts: readonly [Host, ...Host[]];
  readonly tries: "inOrder" | "inAnyOrder";
  readonly user: string;
  /** Empty: there is none. */
  readonly password: string;
  readonly database: string;
  readonly tls: Tls;
  /** Which of several hosts will do. */
  readonly sessionAttrs: "read-write" | "primary" | undefined;
  /** Undefined: nothing was said; 0: as long as it takes. */
  readonly connectTimeoutSeconds: number | undefined;
  /** 0: no keep-alives. */
  readonly keepAliveSeconds: number | undefined;
  /** What the server is told when a connection starts: `options`, `application_name`, its own settings. */
  readonly startup: Readonly<Record<string, string>>;
  /** The URL says that a pooler in transaction mode is in between. */
  readonly isPooled: boolean;
  /** For the log, each a sentence. */
  readonly warnings: readonly string[];
}

/** libpq takes from the environment what the URL leaves open. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a connection string and the environment say, by libpq's names. */
export type Parameters = ReadonlyMap<string, string>;

export interface Tls {
  readonly encrypts: "never" | "ifOffered" | "always";
  /** TLS at once, without asking for it first (PostgreSQL 17). */
  readonly isDirect: boolean;
  readonly checksName: boolean;
  /** The host's name is sent in the clear, so that a proxy can tell servers apart. */
  readonly sendsName: boolean;
  readonly options: Pick<ConnectionOptions, "rejectUnauthorized" | "secureContext">;
  readonly warnings: readonly string[];
}
