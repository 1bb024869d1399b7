import type { Context } from 'hono';
import type { ServerEnv } from './env.ts';
import { Refusal } from './refusal.ts';

/** @throws Refusal 415 `content_type` for anything but JSON: a form of another site can send no JSON (R8) */
export function requireJson(c: Context<ServerEnv>): void {
  const [type] = (c.req.header('content-type') ?? '').split(';');
  if (type?.trim().toLowerCase() !== 'application/json')
    throw new Refusal(415, 'content_type', 'The body must be application/json', { field: 'Content-Type' });
}
