/** A real server on a free loopback port over real SQLite files, for tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { request } from 'undici';
import { systemClock } from '../../src/platform/clock.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { systemTimers } from '../../src/platform/timers.ts';
import { TokenStore } from '../../src/server/access/token-store.ts';
import { createServer, type ServerOptions, type SynclineServer } from '../../src/server/server.ts';
import { Database } from '../../src/storage/sqlite/database.ts';
import { TelemetryStore } from '../../src/telemetry/store/telemetry-store.ts';

export const TEAM = 'acme';
export const PLAIN_TOKEN = 'plain-team-token';

export interface TestServer {
  url: string;
  port: number;
  folder: string;
  server: SynclineServer;
  store: TelemetryStore;
  tokens: TokenStore;
  /** Tokens by what they may do. */
  token: Record<'ingest' | 'read' | 'operate' | 'admin', string>;
  close(): Promise<void>;
}

export interface Setup extends Partial<ServerOptions> {
  store_max_bytes?: number;
}

export async function startServer(setup: Setup = {}): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-server-'));
  const { store_max_bytes, ...options } = setup;
  const clock = options.clock ?? systemClock;
  const store = new TelemetryStore(join(folder, 'store.db'), {
    clock,
    ...(store_max_bytes === undefined ? {} : { max_bytes: store_max_bytes }),
  });
  const db = new Database(join(folder, 'server.db'));
  const tokens = new TokenStore(db, {
    clock,
    random: systemRandom,
    plain_team_tokens: [{ team_id: TEAM, token: PLAIN_TOKEN }],
  });
  const make = (scope: string): string =>
    tokens.create({ team_id: TEAM, member: 'ann', device: 'laptop', scopes: [scope] }).token;
  const token = { ingest: make('ingest'), read: make('read'), operate: make('operate'), admin: make('admin') };
  const server = createServer({
    store,
    tokens,
    clock,
    random: systemRandom,
    timers: systemTimers,
    version: '0.1.0',
    host: '127.0.0.1',
    port: 0,
    ...options,
  });
  const { url, port } = await server.start();
  return {
    url,
    port,
    folder,
    server,
    store,
    tokens,
    token,
    close: async () => {
      await server.stop();
      store.close();
      db.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A body of the original client's shape. */
export function eventsBody(
  count: number,
  more: Record<string, unknown> & { workspace_hash?: string } = {},
): Record<string, unknown> {
  const workspace_hash = more.workspace_hash ?? `blake3:${'a'.repeat(64)}`;
  return {
    team_id: TEAM,
    workspace_hash,
    events: Array.from({ length: count }, (_, seq) => ({
      session_id_hash: `a session of ${workspace_hash}`,
      event_seq: seq,
      ts_ms: 1_763_000_000_000 + seq,
      agent: 'claude',
      model: 'unknown',
      kind: 'tool_call',
      source: 'tail',
      tool: 'Bash',
      tool_call_id: `toolu_${seq}`,
      payload: { type: 'tool_use' },
    })),
    ...more,
  };
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  json: Record<string, unknown>;
}

let keys = 0;

/** Sends as the original client does (telemetry specification §5.3) unless told otherwise; `undefined` leaves a header out. */
export async function post(
  server: Pick<TestServer, 'url'>,
  path: string,
  body: unknown,
  headers: Record<string, string | undefined> = {},
): Promise<Answer> {
  const text = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const all: Record<string, string | undefined> = {
    authorization: `Bearer ${PLAIN_TOKEN}`,
    'content-type': 'application/json',
    'content-encoding': 'gzip',
    'x-kaizen-idempotency-key': `key-${keys++}`,
    'x-kaizen-client': 'kaizen/0.1.8',
    ...headers,
  };
  const given = Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const encoded = given['content-encoding'] === 'gzip' && !Buffer.isBuffer(body) ? gzipSync(text) : text;
  return send(server, path, { method: 'POST', body: encoded, headers: given });
}

export function get(
  server: Pick<TestServer, 'url'>,
  path: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return send(server, path, { method: 'GET', headers });
}

async function send(
  server: Pick<TestServer, 'url'>,
  path: string,
  options: { method: 'GET' | 'POST'; body?: Buffer; headers: Record<string, string> },
): Promise<Answer> {
  const { statusCode, headers, body } = await request(`${server.url}${path}`, options);
  const text = await body.text();
  let json: Record<string, unknown> = {};
  try {
    json = JSON.parse(text) as Record<string, unknown>;
  } catch {
    // Pages and metrics are no JSON; tests of those look at `text`.
  }
  return { status: statusCode, headers, text, json };
}
