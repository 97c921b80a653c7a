/** A database that no waiting and no second try makes usable. Its message is for people, without a stack. */
export class UnsuitableDatabaseError extends Error {
  override readonly name = "UnsuitableDatabaseError";
}
