import { Hono, type Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { TELEMETRY_KINDS, type TelemetryKind } from '../telemetry/wire/body.ts';
import { checkHost } from './access/host-check.ts';
import type { ServerContext } from './context.ts';
import type { ServerEnv } from './http/env.ts';
import { Refusal } from './http/refusal.ts';
import { eraseSession } from './routes/erase-session.ts';
import { ingest } from './routes/ingest.ts';
import { answerMemory, MEMORY_ROUTES } from './routes/memories.ts';
import { MCP_PATH } from './routes/memory-request.ts';
import { operate } from './routes/operate.ts';
import { page } from './routes/page.ts';
import { SESSION_ROUTES, answerReader } from './routes/sessions.ts';
import { deleteTranscript, markTranscriptGone, putTranscript, transcriptState } from './routes/transcripts.ts';
import { config, health, healthz, metrics, openapi } from './routes/service.ts';

const TRANSCRIPT = '/v1/transcripts/:key';

type Handler = (c: Context<ServerEnv>) => Response | Promise<Response>;

interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  handler: Handler;
}

/** No answer may be kept, guessed at, framed or named to another site. No CORS header is ever among them (R8). */
const COMMON_HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

/** All routes of the server over their context. */
export function createApp(context: ServerContext): Hono<ServerEnv> {
  const app = new Hono<ServerEnv>();
  const routes = routesOf(context);
  app.use(async (c, next) => {
    const began_ms = context.clock.monotonic_ms();
    await next();
    if (context.stopping()) c.header('connection', 'close');
    const route = routes.find(({ path }) => isAt(path, c.req.path))?.path ?? 'page';
    context.metrics.request(c.req.method, route, c.res.status, (context.clock.monotonic_ms() - began_ms) / 1000);
  });
  app.use(async (c, next) => {
    checkHost(c.env.incoming, context.host_rules);
    await context.in_flight.request(next);
  });
  for (const { method, path, handler } of routes) app.on(method, path, async (c) => withHeaders(await handler(c)));
  for (const [path, same] of Map.groupBy(routes, (route) => route.path))
    app.all(path, () => methodNotAllowed(same.map(({ method }) => method)));
  app.all('/v1/*', () => notFound());
  app.all('/api/*', () => notFound());
  app.get('*', async (c) => withHeaders(await page(c, context)));
  app.notFound(() => notFound());
  app.onError((error, c) => withHeaders(answerTo(error, c, context)));
  return app;
}

function routesOf(context: ServerContext): Route[] {
  const kinds = Object.keys(TELEMETRY_KINDS) as TelemetryKind[];
  return [
    ...kinds.map((kind): Route => {
      const { path } = TELEMETRY_KINDS[kind];
      return { method: 'POST', path, handler: (c) => ingest(c, context, kind) };
    }),
    { method: 'DELETE', path: '/v1/sessions/:session_id_hash', handler: (c) => eraseSession(c, context) },
    { method: 'PUT', path: TRANSCRIPT, handler: (c) => putTranscript(c, context) },
    { method: 'POST', path: `${TRANSCRIPT}/gone`, handler: (c) => markTranscriptGone(c, context) },
    { method: 'GET', path: TRANSCRIPT, handler: (c) => transcriptState(c, context) },
    { method: 'DELETE', path: TRANSCRIPT, handler: (c) => deleteTranscript(c, context) },
    ...Object.entries(SESSION_ROUTES).map(([path, handler]): Route => ({
      method: 'GET',
      path,
      handler: (c) => answerReader(c, context, handler),
    })),
    ...MEMORY_ROUTES.map((route): Route => ({
      method: route.method,
      path: route.path,
      handler: (c) => answerMemory(c, context, route),
    })),
    // Loaded at the first call: most machines never make one, and the protocol's library is the larger part of a start.
    { method: 'POST', path: MCP_PATH, handler: async (c) => (await import('./routes/mcp.ts')).answerMcp(c, context) },
    { method: 'POST', path: '/v1/operate', handler: (c) => operate(c, context) },
    { method: 'GET', path: '/v1/health', handler: () => health(context) },
    { method: 'GET', path: '/v1/config', handler: (c) => config(c, context) },
    { method: 'GET', path: '/healthz', handler: () => healthz(context) },
    { method: 'GET', path: '/metrics', handler: (c) => metrics(c, context) },
    { method: 'GET', path: '/openapi.json', handler: (c) => openapi(c, context) },
  ];
}

/** Whether a path is one of a route, whose `:name` stands for one part; metrics name the route and never the id. */
function isAt(route: string, path: string): boolean {
  const parts = path.split('/');
  const named = route.split('/');
  return named.length === parts.length && named.every((part, i) => part.startsWith(':') || part === parts[i]);
}

function notFound(): Response {
  return withHeaders(new Refusal(404, 'not_found', 'There is no such route').toResponse());
}

function methodNotAllowed(methods: string[]): Response {
  const refusal = new Refusal(405, 'method_not_allowed', `This route takes ${methods.join(', ')} only`, {
    headers: { allow: methods.join(', ') },
  });
  return withHeaders(refusal.toResponse());
}

function answerTo(error: Error, c: Context<ServerEnv>, context: ServerContext): Response {
  if (error instanceof Refusal) return error.toResponse();
  if (error instanceof HTTPException) return new Refusal(error.status, 'http', error.message).toResponse();
  context.onDefect(error, c.req.path);
  return new Refusal(500, 'defect', 'The server met a defect of its own; its log says where').toResponse();
}

function withHeaders(response: Response): Response {
  for (const [name, value] of Object.entries(COMMON_HEADERS))
    if (!response.headers.has(name)) response.headers.set(name, value);
  return response;
}
