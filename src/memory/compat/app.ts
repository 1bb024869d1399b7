import { isUtf8 } from 'node:buffer';
import { createHash, timingSafeEqual } from 'node:crypto';
import { Hono, type Context } from 'hono';
import type { Admission } from './admission.ts';
import { type Admitted } from './admission.ts';
import { RECEIVER_PARAMETER } from './freshness.ts';
import type { PeerAttestation } from './peer-attestation.ts';
import { MAX_BODY_BYTES, isAgentId, readPushBody } from './push-body.ts';
import type { PushReceiver } from './receive-push.ts';
import { RequestRefused } from './refusal.ts';
import { NONCE_HEADER, PEER_HEADER, SIGNATURE_HEADER, type Signed } from './signature.ts';
import { formatSincePage, readSinceQuery } from './since.ts';
import { NATIVE_MEMBER } from './old-peer-client.ts';
import { NOTHING_SHARED, type Sharing } from './sharing.ts';
import type { ReadScope, SinceFeed } from './since-feed.ts';

/** Requests at once; each may hold a body of 2 MiB. */
const MAX_CONCURRENT = 64;

/** How much of a body that is too large is still read, so that its sender gets to read the refusal. */
const MAX_DRAINED_BYTES = 16 * 1024 * 1024;

export interface CompatAppParts {
  /** Our own id on this wire. */
  agent_id: string;
  version: string;
  /** `X-API-Key` that every request but the one for health must have; null: none. Never taken from the query (§7). */
  api_key: string | null;
  admission: Admission;
  attestation: PeerAttestation;
  /** What a peer may read of which nobody said anything; null: nothing. [AI_MEMORY_FED_SYNC_TRUST_PEER] */
  unlisted: Sharing | null;
  /** Our member in the native dialect, for one of ours that takes us for ai-memory; null: not said. */
  member: string | null;
  /** Peers to which nothing leaves now, also not as an answer. */
  isPaused: (peer_id: string) => boolean;
  receiver: PushReceiver;
  feed: SinceFeed;
  /** Told of every defect; never of refusals. */
  onDefect: (error: unknown, route: string) => void;
}

const PUSH = '/api/v1/sync/push';
const SINCE = '/api/v1/sync/since';

/** The routes of the dialect. Errors are `{"error": "…"}` throughout. */
export function createCompatApp(parts: CompatAppParts): Hono {
  const app = new Hono();
  let running = 0;
  app.get('/api/v1/health', (c) =>
    c.json({
      status: 'ok',
      service: 'ai-memory',
      version: parts.version,
      embedder_ready: false,
      federation_enabled: true,
      ...(parts.member === null ? {} : { [NATIVE_MEMBER]: { member: parts.member } }),
    }),
  );
  app.use(async (c, next) => {
    checkApiKey(parts.api_key, c.req.header('x-api-key'));
    if (running >= MAX_CONCURRENT) throw new RequestRefused(503, 'too many requests at once', { 'retry-after': '1' });
    running++;
    try {
      await next();
    } finally {
      running--;
    }
  });
  app.post(PUSH, (c) => push(c, parts));
  app.get(SINCE, (c) => since(c, parts));
  app.all(PUSH, () => refuse(new RequestRefused(405, 'this route takes POST only', { allow: 'POST' })));
  app.all(SINCE, () => refuse(new RequestRefused(405, 'this route takes GET only', { allow: 'GET' })));
  app.notFound(() => refuse(new RequestRefused(404, 'there is no such route')));
  app.onError((error, c) => {
    if (error instanceof RequestRefused) return refuse(error);
    parts.onDefect(error, c.req.path);
    return c.json({ error: 'the server met a defect of its own; its log says where' }, 500);
  });
  return app;
}

async function push(c: Context, parts: CompatAppParts): Promise<Response> {
  const bytes = await boundedBody(c.req.raw);
  if (!/^application\/(?:[a-z.+-]+\+)?json\s*(?:;|$)/i.test(c.req.header('content-type') ?? ''))
    throw new RequestRefused(415, 'expected content-type application/json');
  const admitted = verify(c, parts, { body: bytes });
  if (!isUtf8(bytes)) throw new RequestRefused(400, 'malformed sync_push body: not UTF-8');
  const body = readPushBody(bytes.toString('utf8'));
  const { peer_id } = parts.admission.admit(admitted, body);
  const { tally, watermark } = await parts.receiver.receive(peer_id, body, parts.attestation.namespacesOf(peer_id));
  return c.json(
    tally.body({
      dry_run: body.dry_run,
      agent_id: parts.agent_id,
      clock: watermark === null ? null : [body.sender_agent_id, watermark],
      name_ids: c.req.header('idempotency-key') !== undefined,
    }),
  );
}

async function since(c: Context, parts: CompatAppParts): Promise<Response> {
  const url = new URL(c.req.url);
  const admitted = verify(c, parts, { path: url.pathname, query: url.search.slice(1) });
  const query = readSinceQuery(url.searchParams);
  const { peer_id } = parts.admission.admit(admitted, {
    sender_agent_id: query.peer,
    sender_wall_clock: null,
    receiver: url.searchParams.get(RECEIVER_PARAMETER),
  });
  if (parts.isPaused(peer_id)) throw new RequestRefused(503, 'paused', { 'retry-after': '60' });
  const page = await parts.feed.page(query, scopeOf(peer_id, parts));
  return c.body(formatSincePage(page), 200, { 'content-type': 'application/json' });
}

function scopeOf(peer_id: string, { attestation, unlisted }: CompatAppParts): ReadScope {
  const sharing = attestation.sharingOf(peer_id);
  if (sharing) return { status: 'scoped', sharing };
  if (unlisted) return { status: 'legacy_bypass', sharing: unlisted };
  return { status: 'no_allowlist_default_deny', sharing: NOTHING_SHARED };
}

function verify(c: Context, parts: CompatAppParts, signed: Signed): Admitted {
  const peer_id = c.req.header(PEER_HEADER);
  const agent_id = c.req.header('x-agent-id');
  if (peer_id !== undefined && !isAgentId(peer_id)) throw new RequestRefused(400, `invalid ${PEER_HEADER}`);
  if (agent_id !== undefined && !isAgentId(agent_id)) throw new RequestRefused(400, 'invalid x-agent-id');
  const headers = { peer_id, signature: c.req.header(SIGNATURE_HEADER), nonce: c.req.header(NONCE_HEADER) };
  return parts.admission.verify(headers, signed);
}

/** Takes as long for a wrong key as for the right one, whatever their lengths. */
function checkApiKey(expected: string | null, given: string | undefined): void {
  if (expected === null) return;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  if (given === undefined || !timingSafeEqual(digest(expected), digest(given)))
    throw new RequestRefused(401, 'missing or invalid API key');
}

async function boundedBody(request: Request): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > MAX_DRAINED_BYTES) break;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  if (bytes > MAX_BODY_BYTES) throw new RequestRefused(413, `the body exceeds ${MAX_BODY_BYTES} bytes`);
  return Buffer.concat(chunks);
}

function refuse(refusal: RequestRefused): Response {
  return Response.json({ error: refusal.message }, { status: refusal.status, headers: refusal.headers });
}
