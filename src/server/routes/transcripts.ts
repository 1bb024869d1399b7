/** `/v1/transcripts/{key}`: how members' machines write conversations (sessions specification, our own wire). */
import type { Context } from 'hono';
import type { z } from 'zod';
import { FullError } from '../../platform/errors.ts';
import { CONVERSATION_KEY } from '../../sessions/conversation-key.ts';
import type { SessionStore } from '../../sessions/store/session-store.ts';
import type { PutResult } from '../../sessions/store/transcript.ts';
import { goneBody, ownerOf, putBody, putOf } from '../../sessions/wire/put-body.ts';
import { authenticate } from '../access/authenticate.ts';
import type { Caller } from '../access/scope.ts';
import type { ServerContext } from '../context.ts';
import type { ServerEnv } from '../http/env.ts';
import { readBody } from '../http/read-body.ts';
import { Refusal } from '../http/refusal.ts';
import { requireJson } from '../http/require-json.ts';

const MAX_REPORTED_ERRORS = 20;

/** `PUT`: compare-and-set of one session's segments; 200 stored or already, 409 stale or foreign, 410 erased. */
export async function putTranscript(c: Context<ServerEnv>, context: ServerContext): Promise<Response> {
  const { caller, store, key } = writer(c, context);
  requireJson(c);
  const reservation = context.in_flight.reserve();
  try {
    const bytes = await readBody(c.env.incoming, context.limits, reservation);
    const body = parse(putBody, bytes.toString('utf8'));
    requireTeam(caller, body.team_id);
    context.quota.takeItems(
      caller.token_id,
      body.segments.reduce((sum, { messages }) => sum + messages.length, 1),
    );
    return answer(await unlessFull(() => store.put(caller.team_id, putOf(body, key, caller))));
  } finally {
    reservation.release();
  }
}

/** `POST …/gone`: the member's source has the session no more (R12); it stays here, marked. Answers as `PUT` does. */
export async function markTranscriptGone(c: Context<ServerEnv>, context: ServerContext): Promise<Response> {
  const { caller, store, key } = writer(c, context);
  requireJson(c);
  const reservation = context.in_flight.reserve();
  try {
    const bytes = await readBody(c.env.incoming, context.limits, reservation);
    const { team_id, ...gone } = parse(goneBody, bytes.toString('utf8'));
    requireTeam(caller, team_id);
    return answer(await unlessFull(() => store.markGone(caller.team_id, { ...gone, key, owner: ownerOf(caller) })));
  } finally {
    reservation.release();
  }
}

/** `GET`: what the server has of the key, for the machine that writes it; 404 `transcript_unknown`. */
export async function transcriptState(c: Context<ServerEnv>, context: ServerContext): Promise<Response> {
  const { caller, store, key } = writer(c, context);
  requireTeam(caller, c.req.query('team_id') ?? caller.team_id);
  const state = await store.state(caller.team_id, key);
  if (state?.owner !== ownerOf(caller))
    throw new Refusal(404, 'transcript_unknown', 'You have no transcript of this key here');
  return Response.json(state);
}

/** `DELETE`: the person withdrew or erased it; its machine alone may say so. */
export async function deleteTranscript(c: Context<ServerEnv>, context: ServerContext): Promise<Response> {
  const { caller, store, key } = writer(c, context);
  requireTeam(caller, c.req.query('team_id') ?? caller.team_id);
  const reason = c.req.query('reason') ?? 'unshared';
  if (reason !== 'unshared' && reason !== 'erased')
    throw new Refusal(400, 'schema', 'reason is unshared or erased', { field: 'reason' });
  context.removals?.note('sessions');
  const result = await unlessFull(() => store.remove(caller.team_id, key, ownerOf(caller), reason));
  const { token_id, member, device } = caller;
  await context.record({ verb: `${reason} transcript`, target: key, detail: { result, member, device, token_id } });
  if (result === 'foreign') throw foreignOwner(null);
  return Response.json({ result });
}

function writer(c: Context<ServerEnv>, context: ServerContext): { caller: Caller; store: SessionStore; key: string } {
  const caller = authenticate(c, context, ['ingest']);
  context.quota.takeRequest(caller.token_id);
  if (!context.sessions) throw new Refusal(404, 'not_found', 'This server keeps no conversations');
  if (c.req.method !== 'GET') context.removals?.requireWritable('sessions');
  const key = c.req.param('key') ?? '';
  if (!CONVERSATION_KEY.test(key))
    throw new Refusal(400, 'transcript_key', 'The key of a transcript has 32 hexadecimal digits', { field: 'key' });
  return { caller, store: context.sessions, key };
}

function requireTeam({ team_id }: Caller, named: string): void {
  if (named !== team_id) throw new Refusal(403, 'team', 'This token belongs to another team', { field: 'team_id' });
}

function parse<T>(schema: z.ZodType<T>, text: string): T {
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.slice(0, MAX_REPORTED_ERRORS).map(errorOf);
  const [first] = errors;
  throw new Refusal(400, 'schema', first ? `${first.field}: ${first.message}` : 'The body does not fit the schema', {
    field: first?.field ?? '',
    more: { errors },
  });
}

function errorOf({ path, code, message }: z.core.$ZodIssue): { field: string; code: string; message: string } {
  return { field: path.join('.'), code, message };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Refusal(400, 'json', 'The body is not valid JSON', { cause });
  }
}

function answer(result: PutResult): Response {
  if (result.kind === 'stale')
    throw new Refusal(409, 'stale', 'The server has another state of this transcript', {
      field: 'base',
      more: { fingerprint: result.fingerprint, segment_hashes: result.segment_hashes },
    });
  if (result.kind === 'foreign') throw foreignOwner(result.owner);
  if (result.kind === 'erased') throw new Refusal(410, 'erased', 'This transcript was erased and does not come back');
  return Response.json({ result: result.kind });
}

/** The owner is a member of the same team; its name is what the team sees of every session anyway. */
function foreignOwner(owner: string | null): Refusal {
  return new Refusal(409, 'foreign_owner', 'Another machine writes this transcript', {
    field: 'key',
    more: { owner: owner ?? '' },
  });
}

async function unlessFull<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FullError)) throw error;
    throw new Refusal(507, 'full', 'The server has reached its storage limit; nothing was stored', {
      headers: { 'retry-after': '300' },
      more: { limit: 'store_max_bytes' },
      cause: error,
    });
  }
}
