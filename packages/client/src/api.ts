/** The methods of HTTP, and which of them may be repeated: a POST only where its call says so. */
import type { Call, Caller } from "./call.ts";
import type { CallOptions } from "./options.ts";

type How = CallOptions & Pick<Call, "timeoutMs" | "idempotencyKey" | "keyInBody">;

export interface Api {
  get<Body>(path: string, options: CallOptions | undefined): Promise<Body>;
  put<Body>(path: string, body: object, options: CallOptions | undefined): Promise<Body>;
  patch<Body>(path: string, body: object, options: CallOptions | undefined): Promise<Body>;
  /** `whenGone`: the answer where an earlier try, whose answer was lost, has removed it. */
  delete<Body extends object>(
    path: string,
    whenGone: Body,
    options: CallOptions | undefined,
  ): Promise<Body>;
  post<Body>(path: string, body: object | undefined, options: How | undefined): Promise<Body>;
  /** Doing it twice is the same as doing it once. `body`: as JSON, when it is not text already. */
  postRepeatably<Body>(
    path: string,
    body: object | string | undefined,
    options: How | undefined,
  ): Promise<Body>;
}

export function createApi(call: Caller): Api {
  const again = { isRepeatable: true };
  const once = { isRepeatable: false };
  return {
    get: async (path, options) => call({ ...again, method: "GET", path, ...signalOf(options) }),
    put: async (path, body, options) =>
      call({ ...again, method: "PUT", path, bodyText: json(body), ...signalOf(options) }),
    // Fields are set to what is given, however often.
    patch: async (path, body, options) =>
      call({ ...again, method: "PATCH", path, bodyText: json(body), ...signalOf(options) }),
    delete: async (path, whenGone, options) =>
      call({ ...again, method: "DELETE", path, whenGone, ...signalOf(options) }),
    post: async (path, body, options) =>
      call({ ...once, method: "POST", path, bodyText: json(body), ...options }),
    postRepeatably: async (path, body, options) =>
      call({ ...again, method: "POST", path, bodyText: json(body), ...options }),
  };
}

/** Of a caller's options what means something here: they may be those of another call. */
export function signalOf({ signal }: CallOptions = {}): CallOptions {
  return signal === undefined ? {} : { signal };
}

function json(body: object | string | undefined): string | undefined {
  return body === undefined || typeof body === "string" ? body : JSON.stringify(body);
}
