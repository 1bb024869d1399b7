/** The reading API of conversations, `/api/v1/*` (sessions specification §8.2); every answer is of the caller's team alone. */
import type { Context } from 'hono';
import { InvalidInputError } from '../../platform/errors.ts';
import { parsePullRequest } from '../../sessions/links/pull-request.ts';
import type { Page, Reader, SessionFilter, SessionStore, SessionSummary } from '../../sessions/store/session-store.ts';
import {
  hitJson,
  linkJson,
  linkedJson,
  messageJson,
  sessionJson,
  timeJson,
  treeJson,
} from '../../sessions/wire/read-api.ts';
import { authenticate } from '../access/authenticate.ts';
import type { ServerContext } from '../context.ts';
import type { ServerEnv } from '../http/env.ts';
import { Refusal } from '../http/refusal.ts';

type Handler = (asked: Asked) => Promise<Response>;

/** A request by somebody who may read. */
interface Asked {
  store: SessionStore;
  reader: Reader;
  query: (name: string) => string | undefined;
  id: string;
}

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100;
const DAY_MS = 86_400_000;
/** Messages of one read of the store; a transcript goes out as a stream of these. */
const MESSAGES_AT_ONCE = 500;
const SHA = /^[0-9a-f]{7,64}$/i;

/** Paths and what answers them; all are GET. */
export const SESSION_ROUTES: Readonly<Record<string, Handler>> = {
  '/api/v1/sessions': listSessions,
  '/api/v1/sessions/:id': async (asked) => Response.json(sessionJson(await known(asked))),
  '/api/v1/sessions/:id/messages': messages,
  '/api/v1/sessions/:id/gitlinks': gitLinks,
  '/api/v1/sessions/:id/tree': tree,
  '/api/v1/sessions/:id/stars': stars,
  '/api/v1/sessions/:id/pins': pins,
  '/api/v1/session-deletes': trashed,
  '/api/v1/users': async ({ store, reader }) =>
    Response.json((await store.facets(reader, {})).members.map((name) => ({ id: name, name }))),
  '/api/v1/projects': async ({ store, reader }) =>
    Response.json((await store.facets(reader, {})).projects.map((name) => ({ id: name, name, path: '' }))),
  '/api/v1/agents': async ({ store, reader }) => Response.json((await store.facets(reader, {})).agents),
  '/api/v1/search': search,
  '/api/v1/gitlinks': lookUp,
};

/** Checks the caller, then answers; bad input of a reader is 400 and names its field. */
export async function answerReader(c: Context<ServerEnv>, context: ServerContext, handler: Handler): Promise<Response> {
  const caller = authenticate(c, context, ['read']);
  context.quota.takeRequest(caller.token_id);
  if (!context.sessions) throw new Refusal(404, 'not_found', 'This server keeps no conversations');
  const query = (name: string): string | undefined => c.req.query(name) || undefined;
  const { team_id } = caller;
  try {
    return await handler({ store: context.sessions, reader: { team_id }, query, id: c.req.param('id') ?? '' });
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    throw new Refusal(400, error.code, error.message, { field: error.field ?? 'cursor', cause: error });
  }
}

async function listSessions({ store, reader, query }: Asked): Promise<Response> {
  const { sessions, next, total } = await store.list(reader, filterOf(query), pageOf(query));
  return Response.json({ sessions: sessions.map(sessionJson), next_cursor: next ?? '', total });
}

/** Unknown ids have no messages, as the original says it. Goes out in pieces: a transcript may have a hundred megabytes. */
async function messages({ store, reader, query, id }: Asked): Promise<Response> {
  const session = await store.find(reader, id);
  if (!session) return Response.json([]);
  const { key } = session;
  const most = query('limit') === undefined ? Infinity : wholeOf(query('limit'), DEFAULT_LIMIT, 1, 10_000);
  let from = wholeOf(query('from'), 0, 0, Number.MAX_SAFE_INTEGER);
  let left = most;
  let first = true;
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    pull: async (stream) => {
      const page = left > 0 ? await store.messages(reader, key, from, Math.min(MESSAGES_AT_ONCE, left)) : [];
      const text = page.map((message) => JSON.stringify(messageJson(key, message))).join(',');
      const begin = first ? '[' : page.length > 0 ? ',' : '';
      first = false;
      from = (page.at(-1)?.ordinal ?? from) + 1;
      left -= page.length;
      const over = page.length < MESSAGES_AT_ONCE || left <= 0;
      stream.enqueue(encoder.encode(`${begin}${text}${over ? ']' : ''}`));
      if (over) stream.close();
    },
  });
  return new Response(body, { headers: { 'content-type': 'application/json' } });
}

async function gitLinks(asked: Asked): Promise<Response> {
  const session = await known(asked);
  const links = await asked.store.links(asked.reader, session.key);
  return Response.json(links.map((link) => linkJson(link, session)));
}

async function tree(asked: Asked): Promise<Response> {
  const session = await known(asked);
  const root = await asked.store.tree(asked.reader, session.key);
  return Response.json(root === null ? null : treeJson(root));
}

async function stars(asked: Asked): Promise<Response> {
  const { key, member, starred_at_ms } = await known(asked);
  if (starred_at_ms === null) return Response.json([]);
  return Response.json([{ session_id: key, user_id: member, created_at: timeJson(starred_at_ms) }]);
}

async function pins(asked: Asked): Promise<Response> {
  const { key, member, pins: pinned } = await known(asked);
  const rows = pinned.map(({ ordinal, note, created_at_ms }) => {
    const created_at = timeJson(created_at_ms);
    return { session_id: key, message_ordinal: ordinal, user_id: member, note: note ?? '', created_at };
  });
  return Response.json(rows);
}

async function trashed({ store, reader, query }: Asked): Promise<Response> {
  const filter = { trashed: true, subagents: true, automated: true };
  const { sessions } = await store.list(reader, filter, { limit: MAX_LIMIT, after: query('cursor') ?? null });
  const rows = sessions.flatMap(({ key, member, presence }) =>
    presence.kind === 'trashed' ? [{ session_id: key, user_id: member, created_at: timeJson(presence.since_ms) }] : [],
  );
  return Response.json(rows);
}

async function search({ store, reader, query }: Asked): Promise<Response> {
  const text = query('q');
  if (text === undefined) throw new Refusal(400, 'search_text', 'The query q is missing', { field: 'q' });
  const { hits, total, next } = await store.search(reader, { ...filterOf(query), text }, pageOf(query));
  return Response.json({ results: hits.map(hitJson), total, next_cursor: next ?? '' });
}

async function lookUp({ store, reader, query }: Asked): Promise<Response> {
  const sha = query('sha');
  const pr = query('pr');
  const repository = query('repository');
  const within = repository === undefined ? {} : { repository };
  if (sha !== undefined) {
    if (!SHA.test(sha)) throw new Refusal(400, 'sha', 'A SHA has 7 to 64 hexadecimal digits', { field: 'sha' });
    return Response.json(
      (await store.linked(reader, { sha: sha.toLowerCase(), ...within }, MAX_LIMIT)).map(linkedJson),
    );
  }
  if (pr === undefined) throw new Refusal(400, 'git_link', 'Ask with sha or pr', { field: 'sha' });
  if (parsePullRequest(pr) === null)
    throw new Refusal(400, 'pull_request', 'That is no address of a pull or merge request', { field: 'pr' });
  return Response.json((await store.linked(reader, { url: pr, ...within }, MAX_LIMIT)).map(linkedJson));
}

async function known({ store, reader, id }: Asked): Promise<SessionSummary> {
  const session = await store.find(reader, id);
  if (!session) throw new Refusal(404, 'session_unknown', 'There is no such session', { field: 'id' });
  return session;
}

function filterOf(query: Asked['query']): SessionFilter {
  return {
    project: query('project_name') ?? query('project'),
    agent: query('agent_type') ?? query('agent'),
    member: query('user_id') ?? query('member'),
    device: query('device'),
    model: query('model'),
    since_ms: dayOf(query, 'date_from'),
    until_ms: dayAfter(dayOf(query, 'date_to')),
    subagents: query('subagents') === 'true',
    automated: query('automated') === 'true',
    starred: query('starred') === 'true' ? true : undefined,
  };
}

function dayOf(query: Asked['query'], name: string): number | undefined {
  const day = query(name);
  if (day === undefined) return undefined;
  const time_ms = /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : NaN;
  if (Number.isNaN(time_ms)) throw new Refusal(400, 'date', 'A date is written YYYY-MM-DD', { field: name });
  return time_ms;
}

function dayAfter(day_ms: number | undefined): number | undefined {
  return day_ms === undefined ? undefined : day_ms + DAY_MS;
}

/** The original clamps the limit and takes anything that is no number as the default. */
function pageOf(query: Asked['query']): Page {
  return { limit: wholeOf(query('limit'), DEFAULT_LIMIT, 1, MAX_LIMIT), after: query('cursor') ?? null };
}

function wholeOf(text: string | undefined, otherwise: number, least: number, most: number): number {
  if (text === undefined || !/^-?\d{1,15}$/.test(text)) return otherwise;
  return Math.min(most, Math.max(least, Number(text)));
}
