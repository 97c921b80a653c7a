/** Values that are JSON and that PostgreSQL cannot hold are the caller's mistake, not ours. */
import { DomainError } from "../core/errors.ts";

// SQLSTATE class 22, data exception: JSON allows numbers that PostgreSQL's numeric does not hold.
const DATA_EXCEPTION = /^22[0-9A-Z]{3}$/;

export async function refuseUnstorable<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (typeof code !== "string" || !DATA_EXCEPTION.test(code)) throw error;
    throw new DomainError("invalid_request", "A value in the request cannot be stored.", [
      { field: "body", message: "a number or a time is out of PostgreSQL's range" },
    ]);
  }
}
