/** The small routes: what the server is, whether it is well, and how much of everything it takes. */
import type { Context } from 'hono';
import { SCHEMA_VERSION } from '../../telemetry/wire/body.ts';
import { authenticate } from '../access/authenticate.ts';
import { SCOPES } from '../access/scope.ts';
import type { ServerContext } from '../context.ts';
import type { ServerEnv } from '../http/env.ts';
import { ENCODINGS } from '../http/read-body.ts';
import { openApi } from './openapi.ts';

/** `GET /healthz`: for supervisors; without a token. */
export function healthz(context: ServerContext): Response {
  return context.ready()
    ? Response.json({ status: 'ok' })
    : Response.json({ status: 'starting' }, { status: 503, headers: { 'retry-after': '1' } });
}

/** `GET /v1/health`: for clients of the wire; without a token (telemetry specification §6.2). */
export function health(context: ServerContext): Response {
  return Response.json({ status: 'ok', version: context.version, schema_versions: [SCHEMA_VERSION] });
}

/** `GET /v1/config`: what a client may send at once, so that it need not find out by 413. */
export async function config(c: Context<ServerEnv>, context: ServerContext): Promise<Response> {
  authenticate(c, context, SCOPES);
  const { limits } = context;
  return Response.json({
    events_per_batch_max: limits.max_items,
    max_body_bytes: limits.max_body_bytes,
    max_encoded_body_bytes: limits.max_encoded_body_bytes,
    requests_per_minute: limits.requests_per_minute,
    items_per_day: limits.items_per_day,
    sample_rate: 1,
    encodings: ENCODINGS,
    session_arrays: true,
    transcript_store: (await context.sessions?.identity()) ?? null,
    schema_versions: [SCHEMA_VERSION],
  });
}

/** `GET /metrics` in Prometheus' text form. */
export async function metrics(c: Context<ServerEnv>, context: ServerContext): Promise<Response> {
  authenticate(c, context, ['read', 'operate']);
  const { registry } = context.metrics;
  return new Response(await registry.metrics(), { headers: { 'content-type': registry.contentType } });
}

/** `GET /openapi.json` */
export function openapi(c: Context<ServerEnv>, context: ServerContext): Response {
  authenticate(c, context, SCOPES);
  return Response.json(openApi(context.version));
}
