/** Who asks. An operator sees everything; a client sees and touches only its own rows. */
import { DomainError } from "./errors.ts";

export type Caller =
  | { readonly kind: "operator" }
  | { readonly kind: "client"; readonly clientId: string };

/** What a query is narrowed to; undefined: nothing, it is an operator who asks. */
export function clientScope(caller: Caller): string | undefined {
  return caller.kind === "client" ? caller.clientId : undefined;
}

/** Whose the things are that this caller makes; null: the operator's own. */
export function ownerOf(caller: Caller): string | null {
  return caller.kind === "client" ? caller.clientId : null;
}

export function requireOperator(caller: Caller): void {
  if (caller.kind === "operator") return;
  throw new DomainError("forbidden", "This needs an operator's key.");
}
