/** `/api/v1/*` of memories: the table of routes, and the one way in which all of them answer, refuse and wait. */
import type { Context } from 'hono';
import type { Receipt } from '../../memory/durability.ts';
import { receiptJson } from '../../memory/http/memory-json.ts';
import { TitleConflictError } from '../../memory/memories.ts';
import { EXIT, SynclineError } from '../../platform/errors.ts';
import type { ServerContext } from '../context.ts';
import type { ServerEnv } from '../http/env.ts';
import { Refusal } from '../http/refusal.ts';
import { readLevelOf } from '../memory-freshness.ts';
import { MEMORY_ADMINISTRATION } from './memories-administration.ts';
import { MEMORY_APPROVALS } from './memories-approvals.ts';
import { MEMORY_GRAPH } from './memories-graph.ts';
import { MEMORY_OVERVIEW } from './memories-overview.ts';
import { MEMORY_READS } from './memories-read.ts';
import { MEMORY_WRITES } from './memories-write.ts';
import { MemoryRequest, type MemoryReply, type MemoryRoute } from './memory-request.ts';

/**
 * All routes. They stand under the original's paths; only its `search` and `agents` are taken by the reading API of
 * conversations, so that these two are `/api/v1/memory/search` and `/api/v1/memory/agents`.
 */
export const MEMORY_ROUTES: readonly MemoryRoute[] = [
  ...MEMORY_WRITES,
  ...MEMORY_READS,
  ...MEMORY_OVERVIEW,
  ...MEMORY_GRAPH,
  ...MEMORY_APPROVALS,
  ...MEMORY_ADMINISTRATION,
];

/** Checks, answers, waits for the members that were asked for; every refusal is `{error, code}`. */
export async function answerMemory(
  c: Context<ServerEnv>,
  context: ServerContext,
  { needs, handle }: MemoryRoute,
): Promise<Response> {
  try {
    const request = MemoryRequest.of(c, context, needs);
    await freshEnough(request, c.req.raw.signal);
    const members = needs === 'write' ? request.writeQuorum : 1;
    const reply = await handle(request);
    const response = reply instanceof Response ? reply : await durableReply(request, reply, members);
    response.headers.set('x-read-token', request.served.freshness.token());
    return response;
  } catch (error) {
    return memoryRefusal(error, context, c.req.path);
  }
}

/** A read waits until this member is as fresh as was asked, or is told to come back. */
async function freshEnough(request: MemoryRequest, signal: AbortSignal): Promise<void> {
  const { freshness, settings } = request.served;
  const level = readLevelOf(request.served, (name) => request.header(name));
  if (level.level !== 'local') await freshness.barrier(level, settings.quorum_timeout_ms, signal);
}

async function durableReply(request: MemoryRequest, reply: MemoryReply, members: number): Promise<Response> {
  const { status, body, written } = reply;
  if (!written) return Response.json(body, { status });
  const receipt = await reached(request, written.receipt, members);
  const more = {
    quorum_acks: receipt.durable_on,
    receipt: receiptJson(receipt),
    ...(Object.keys(written.redacted).length > 0 ? { redacted: written.redacted } : {}),
  };
  const headers: Record<string, string> = written.replayed ? { 'idempotent-replayed': 'true' } : {};
  if (receipt.durable_on >= members) return Response.json({ ...body, ...more }, { status, headers });
  const missed = {
    error: 'quorum_not_met',
    code: 'quorum_not_met',
    got: receipt.durable_on,
    needed: members,
    reason: members > receipt.members ? 'unreachable' : 'timeout',
  };
  if (reply.missed === 'tell') {
    const { errors } = body as { errors: unknown[] };
    const error = `quorum_not_met: ${missed.got} of ${missed.needed} members, ${missed.reason}`;
    return Response.json({ ...body, errors: [...errors, error], ...more }, { status, headers });
  }
  // It is written here and goes on to the others: not confirmed is not the same as not written.
  return Response.json(
    { ...missed, ...more, result: body },
    { status: 503, headers: { ...headers, 'retry-after': '2' } },
  );
}

/** The receipt once enough members have it, or the time is over. More than there are members can never be reached. */
async function reached({ access, served }: MemoryRequest, receipt: Receipt, members: number): Promise<Receipt> {
  const { operation, durable_on } = receipt;
  if (operation === null) return { ...receipt, durable_on: Math.max(durable_on, 1) };
  if (durable_on >= members || members > receipt.members) return receipt;
  return access.waitDurable(operation, members, served.settings.quorum_timeout_ms);
}

const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  'memory.invalid': 400,
  'memory.ambiguous': 400,
  'memory.not_found': 404,
  'memory.conflict': 409,
  'memory.denied': 403,
  'memory.decided': 403,
  'memory.idempotency_key_reused': 422,
  'memory.read_token': 400,
  'memory.behind': 503,
  full: 507,
};

/** In seconds. */
const RETRY_AFTER_S: Readonly<Record<number, string>> = { 503: '1', 507: '300' };

/** A refusal in the original's form, with our code, the field at fault and what to do beside it. */
export function memoryRefusal(error: unknown, context: ServerContext, route: string): Response {
  if (error instanceof Refusal) {
    const { code, message, field, more, status, headers } = error;
    return Response.json(
      { error: message, code, ...(field === undefined ? {} : { field }), ...more },
      { status, headers },
    );
  }
  if (error instanceof TitleConflictError) {
    const { message, existing_id, hint } = error;
    return Response.json({ error: message, code: 'CONFLICT', existing_id, hint }, { status: 409 });
  }
  if (error instanceof SynclineError && error.exit !== EXIT.defect) {
    const { code, message, field, hint } = error;
    const status = STATUS_BY_CODE[code] ?? (error.exit === EXIT.usage ? 400 : 422);
    const headers: Record<string, string> =
      status in RETRY_AFTER_S ? { 'retry-after': RETRY_AFTER_S[status] ?? '' } : {};
    return Response.json({ error: message, code, field, hint }, { status, headers });
  }
  context.onDefect(error, route);
  return Response.json(
    { error: 'The server met a defect of its own; its log says where', code: 'defect' },
    { status: 500 },
  );
}
