/**
 * `/docs`: the API document as a page to read and try, with nothing from elsewhere: Swagger UI from
 * our own disk. Scalar's page looks better, but fetches fonts and offers services of its makers.
 */
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";

export async function docsRoute(app: FastifyInstance): Promise<void> {
  app.addHook("onRoute", (route) => {
    route.config = { ...route.config, isForBrowsers: true };
  });
  await app.register(swaggerUi, {
    routePrefix: "/docs",
    // Its links are relative to here when the address has no slash at its end.
    indexPrefix: app.prefix,
    theme: { title: "webhook-delivery: API" },
    // "BaseLayout" leaves out the bar that would load any other document.
    uiConfig: { layout: "BaseLayout", docExpansion: "none" },
    staticCSP: {
      "default-src": "'none'",
      "script-src": "'self'",
      "style-src": "'self' 'unsafe-inline'",
      "img-src": "'self' data:",
      "connect-src": "'self'",
      "base-uri": "'none'",
      "form-action": "'none'",
      "frame-ancestors": "'none'",
    },
  });
}
