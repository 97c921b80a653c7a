/**
 * A path that is known, with a method that it does not have, is answered with 405 and `Allow`. The
 * framework answers 404, and takes `GET /webhook-delivery/batch` for a delivery of that name.
 *
 * Nobody learns more by it than before: paths that need a key say 401 without one, and a path that has a
 * secret of its own is as closed (or as little there) as to its own method.
 */
import type {
  FastifyInstance,
  FastifyRequest,
  onRequestAsyncHookHandler,
  RouteOptions,
} from "fastify";
import createRouter from "find-my-way";
import { MAX_URL_CHARACTERS } from "@webhook-delivery/shared/core/destination-url.ts";
import { DomainError } from "@webhook-delivery/shared/core/errors.ts";

interface KnownPath {
  readonly methods: Set<string>;
  readonly isPublic: boolean;
  /** A route's own way to say who may call it. */
  readonly guards: readonly onRequestAsyncHookHandler[];
}

/** Of all routes that are registered after this. `identify` adds the hook that says who is calling. */
export function refuseOtherMethods(app: FastifyInstance, identify: () => void): void {
  const known = new Map<string, KnownPath>();
  // Each path is there once, under one method, whatever methods it has: the nearest path is looked for.
  const paths = createRouter({ ignoreTrailingSlash: true, maxParamLength: 3 * MAX_URL_CHARACTERS });
  app.addHook("onRoute", (route) => {
    const path = known.get(route.url) ?? newPath(route);
    if (!known.has(route.url)) paths.on("GET", route.url, () => {}, path);
    known.set(route.url, path);
    for (const method of [route.method].flat()) path.methods.add(method);
  });
  const findRefusing = ({ method, url }: FastifyRequest): KnownPath | undefined => {
    const path = paths.find("GET", pathOf(url))?.store as KnownPath | undefined;
    return path?.methods.has(method) === false ? path : undefined;
  };

  app.addHook("onRequest", async function refuseOnPublicPath(request, reply) {
    const path = findRefusing(request);
    if (path?.isPublic !== true) return;
    for (const guard of path.guards) await guard.call(this, request, reply);
    throw notAllowed(path, request, reply);
  });
  identify();
  app.addHook("onRequest", async (request, reply) => {
    const path = findRefusing(request);
    if (path !== undefined) throw notAllowed(path, request, reply);
  });
}

function newPath({ config, onRequest }: RouteOptions): KnownPath {
  const guards = onRequest === undefined ? [] : [onRequest].flat();
  return {
    methods: new Set(),
    isPublic: config?.isPublic === true,
    guards: guards as unknown as readonly onRequestAsyncHookHandler[],
  };
}

function notAllowed(
  { methods }: KnownPath,
  { method }: FastifyRequest,
  reply: { header(name: string, value: string): unknown },
): DomainError {
  const allowed = [...methods].toSorted().join(", ");
  reply.header("allow", allowed);
  return new DomainError("method_not_allowed", `This path takes ${allowed}, not ${method}.`);
}

function pathOf(url: string): string {
  const end = url.search(/[?#]/);
  return end === -1 ? url : url.slice(0, end);
}
