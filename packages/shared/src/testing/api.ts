/** A small client for the HTTP API, typed as far as the tests look. */

export interface AttemptJson {
  readonly id: string;
  readonly deliveryId: string;
  readonly attemptNumber: number;
  readonly attemptedAt: string;
  readonly durationMs: number;
  readonly requestUrl: string | null;
  readonly requestHeaders: Readonly<Record<string, string>> | null;
  readonly responseStatus: number | null;
  readonly responseHeaders: Readonly<Record<string, string>> | null;
  readonly responseBody: string | null;
  readonly error: string | null;
  readonly errorType: string | null;
  readonly willRetry: boolean;
  readonly retryAt: string | null;
}

export interface DeliveryJson {
  readonly id: string;
  readonly leadId: string | null;
  readonly eventType: string;
  readonly webhookUrl: string;
  readonly format: string;
  readonly status: "pending" | "sent" | "success" | "failed" | "cancelled";
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly responseStatus: number | null;
  readonly responseBody: string | null;
  readonly lastError: string | null;
  readonly errorType: string | null;
  readonly sentAt: string | null;
  readonly nextRetryAt: string | null;
  readonly deliveredAt: string | null;
  readonly createdAt: string;
  readonly isTestDelivery: boolean;
  readonly metadata: unknown;
  /** On the single read only. */
  readonly payload?: unknown;
  readonly body?: string;
  readonly attempts?: readonly AttemptJson[];
}

export interface ErrorJson {
  readonly code: string;
  readonly message: string;
  readonly details?: readonly { readonly field: string; readonly message: string }[];
}

/** Everything that any answer may carry; a test reads what its route promises. */
export interface Body {
  readonly status: "success" | "error";
  readonly error: ErrorJson;
  readonly delivery: DeliveryJson;
  readonly deliveries: readonly DeliveryJson[];
  readonly logs: readonly AttemptJson[];
  readonly total: number;
  readonly nextCursor: string | null;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Body;
}

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: JSON. */
  readonly contentType?: string;
}

export interface Api {
  readonly url: string;
  get(path: string, options?: RequestOptions): Promise<ApiAnswer>;
  /** A string or bytes are sent as they are, anything else as JSON. */
  post(path: string, body?: unknown, options?: RequestOptions): Promise<ApiAnswer>;
  /** Any other method; the body as with `post`. */
  send(method: string, path: string, body?: unknown, options?: RequestOptions): Promise<ApiAnswer>;
  /** Posts a delivery that must be accepted. */
  deliver(body: unknown, options?: RequestOptions): Promise<DeliveryJson>;
  /** One delivery with its payload and attempts. */
  read(id: string): Promise<DeliveryJson & { readonly attempts: readonly AttemptJson[] }>;
  logs(id: string): Promise<readonly AttemptJson[]>;
}

/** `onAnswer` hears every answer's text. */
export function createApi(url: string, key: string, onAnswer: (text: string) => void): Api {
  const call = async (path: string, init: RequestInit): Promise<ApiAnswer> => {
    const response = await fetch(`${url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${key}`, ...(init.headers as Record<string, string>) },
    });
    const text = await response.text();
    onAnswer(text);
    const isJson = response.headers.get("content-type")?.includes("json") === true;
    const body = (isJson ? JSON.parse(text) : undefined) as Body;
    return { status: response.status, headers: response.headers, text, body };
  };

  const get: Api["get"] = (path, { headers = {} } = {}) => call(path, { headers });
  const send: Api["send"] = (method, path, body, options = {}) => {
    const { headers = {}, contentType = "application/json" } = options;
    if (body === undefined) return call(path, { method, headers });
    const content =
      typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
    return call(path, {
      method,
      headers: { "content-type": contentType, ...headers },
      body: content as NonNullable<RequestInit["body"]>,
    });
  };
  const post: Api["post"] = (path, body, options) => send("POST", path, body, options);
  return {
    url,
    get,
    post,
    send,
    async deliver(body, options) {
      const answer = await post("/webhook-delivery", body, options);
      if (answer.status !== 202) throw new Error(`not accepted: ${answer.status} ${answer.text}`);
      return answer.body.delivery;
    },
    async read(id) {
      const { delivery } = (await get(`/webhook-delivery/${id}`)).body;
      return { ...delivery, attempts: delivery.attempts ?? [] };
    },
    logs: async (id) => (await get(`/webhook-delivery/${id}/logs`)).body.logs,
  };
}
