/**
 * A node of the replaced memory program at its baseline, with its quirks on purpose (memory specification §§2–6; D numbers
 * are those of §6.6): rows are joined by title, times are compared as strings, deletes leave nothing behind, whatever
 * answers 2xx is an acknowledgement. Written from the description of its behaviour alone, and sharing no code with ours.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

const SOURCES = ['user', 'claude', 'hook', 'api', 'cli', 'import', 'consolidation', 'system', 'chaos', 'notify'];
const RELATIONS = ['related_to', 'supersedes', 'contradicts', 'derived_from'];
const TIERS = ['short', 'mid', 'long'];
const MAX_BODY_BYTES = 2 * 1024 * 1024;

const COLUMNS = [
  ...['id', 'tier', 'namespace', 'title', 'content', 'tags', 'priority', 'confidence', 'source', 'access_count'],
  ...['created_at', 'updated_at', 'last_accessed_at', 'expires_at', 'metadata'],
];
const REQUIRED: Record<string, string> = {
  ...{ id: 'string', tier: 'string', namespace: 'string', title: 'string', content: 'string', tags: 'array' },
  ...{ priority: 'number', confidence: 'number', source: 'string', access_count: 'number' },
  ...{ created_at: 'string', updated_at: 'string' },
};

const TIER_RANK = (tier: string): string => `CASE ${tier} WHEN 'long' THEN 2 WHEN 'mid' THEN 1 ELSE 0 END`;
const INCOMING_WINS =
  '(excluded.updated_at > memories.updated_at OR (excluded.updated_at = memories.updated_at AND excluded.id > memories.id))';
const newer = (column: string): string =>
  `${column} = CASE WHEN ${INCOMING_WINS} THEN excluded.${column} ELSE memories.${column} END`;
const greater = (column: string): string => `${column} = max(excluded.${column}, memories.${column})`;

/** One statement, keyed on the title (§5.1): an id that exists under another title fails (D4), another id is dropped (D5). */
const UPSERT = `INSERT INTO memories (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})
  ON CONFLICT (title, namespace) DO UPDATE SET ${newer('content')}, ${newer('tags')}, ${newer('source')},
  metadata = CASE WHEN NOT ${INCOMING_WINS} THEN memories.metadata
    WHEN json_extract(memories.metadata, '$.agent_id') IS NOT NULL
      THEN json_set(excluded.metadata, '$.agent_id', json_extract(memories.metadata, '$.agent_id'))
    ELSE excluded.metadata END,
  ${greater('priority')}, ${greater('confidence')}, ${greater('access_count')},
  tier = CASE WHEN ${TIER_RANK('excluded.tier')} > ${TIER_RANK('memories.tier')} THEN excluded.tier ELSE memories.tier END,
  expires_at = CASE WHEN excluded.tier = 'long' OR memories.tier = 'long' THEN NULL
    ELSE coalesce(excluded.expires_at, memories.expires_at) END,
  ${greater('updated_at')}`;

const SCHEMA = `
  CREATE TABLE memories (id TEXT PRIMARY KEY, tier TEXT NOT NULL, namespace TEXT NOT NULL, title TEXT NOT NULL,
    content TEXT NOT NULL, tags TEXT NOT NULL, priority INTEGER NOT NULL, confidence REAL NOT NULL, source TEXT NOT NULL,
    access_count INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, last_accessed_at TEXT,
    expires_at TEXT, metadata TEXT NOT NULL, UNIQUE (title, namespace));
  CREATE TABLE archived_memories (id TEXT PRIMARY KEY, row TEXT NOT NULL, reason TEXT NOT NULL);
  CREATE TABLE memory_links (source_id TEXT NOT NULL REFERENCES memories(id) ON DELETE CASCADE,
    target_id TEXT NOT NULL REFERENCES memories(id) ON DELETE CASCADE, relation TEXT NOT NULL, created_at TEXT,
    PRIMARY KEY (source_id, target_id, relation));
  CREATE TABLE pending_actions (id TEXT PRIMARY KEY, row TEXT NOT NULL, status TEXT NOT NULL);
  CREATE TABLE namespace_meta (namespace TEXT PRIMARY KEY, standard_id TEXT NOT NULL, parent_namespace TEXT);`;

export type BaselineRow = Record<string, unknown> & {
  id: string;
  title: string;
  namespace: string;
  updated_at: string;
};
type Json = Record<string, unknown>;

export interface BaselineOptions {
  name: string;
  /** Its wall clock in epoch milliseconds; may be as wrong as it likes. */
  now_ms: () => number;
  /** File of its database; in memory when not given. */
  path?: string;
}

export interface SentPush {
  status: number;
  body: Json;
}

export class BaselineMemoryPeer {
  readonly name: string;
  /** Base addresses to which its own writes go (`--quorum-peers`). */
  readonly peers: string[] = [];
  /** Status with which it answers every request instead of doing it; null: it works. */
  failing: number | null = null;
  /** Every push it was sent. */
  readonly received: { headers: IncomingMessage['headers']; body: string }[] = [];
  readonly #db: DatabaseSync;
  readonly #marks = new Map<string, string>();
  readonly #now_ms: () => number;
  #server: Server | null = null;
  #ticks = 0;

  constructor(options: BaselineOptions) {
    this.name = options.name;
    this.#now_ms = options.now_ms;
    this.#db = new DatabaseSync(options.path ?? ':memory:', { enableForeignKeyConstraints: true });
    this.#db.exec('PRAGMA journal_mode = WAL');
    this.#db.exec(SCHEMA.replaceAll('CREATE TABLE', 'CREATE TABLE IF NOT EXISTS'));
  }

  /** Answers on loopback; returns its base address. Port 0 takes a free one. */
  async start(on_port = 0): Promise<string> {
    const server = createServer((request, response) => void this.#answer(request, response));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(on_port, '127.0.0.1', resolve));
    return this.url;
  }

  /** Base address, once it was started. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server?.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve) ?? resolve(null));
    this.#db.close();
  }

  // What its users do. Each write commits here first and is then broadcast.

  async create(given: Partial<BaselineRow>): Promise<{ row: BaselineRow; sent: SentPush[] }> {
    const at = this.#now();
    const row = {
      ...{ id: randomUUID(), tier: 'mid', namespace: 'global', title: '', content: 'content', tags: [] as string[] },
      ...{ priority: 5, confidence: 1, source: 'api', access_count: 0, created_at: at, updated_at: at },
      metadata: { agent_id: this.name },
      ...given,
    } satisfies BaselineRow;
    this.#upsert(row);
    return { row, sent: await this.#broadcast({ memories: [row] }) };
  }

  async update(id: string, change: Partial<BaselineRow>): Promise<SentPush[]> {
    const row = { ...this.get(id)!, ...change, updated_at: this.#now() };
    this.#db
      .prepare(`UPDATE memories SET ${COLUMNS.map((column) => `${column} = ?`).join(', ')} WHERE id = ?`)
      .run(...values(row), id);
    return this.#broadcast({ memories: [row] });
  }

  async delete(id: string): Promise<SentPush[]> {
    this.#delete(id);
    return this.#broadcast({ deletions: [id] });
  }

  async archive(id: string): Promise<SentPush[]> {
    this.#archive(id, 'archive');
    return this.#broadcast({ archives: [id] });
  }

  async restore(id: string): Promise<SentPush[]> {
    this.#restore(id);
    return this.#broadcast({ restores: [id] });
  }

  async link(source_id: string, target_id: string, relation = 'related_to'): Promise<SentPush[]> {
    const link = { source_id, target_id, relation, created_at: this.#now() };
    this.#link(link);
    return this.#broadcast({ links: [link] });
  }

  /** Sends a row once more, as it was: a straggler, or a replay. */
  async broadcastRow(row: BaselineRow): Promise<SentPush[]> {
    return this.#broadcast({ memories: [row] });
  }

  /** A row comes in by another way: a backup, a node that nobody here knows. */
  put(row: BaselineRow): void {
    this.#upsert(row);
  }

  get(id: string): BaselineRow | null {
    const row = this.#db.prepare('SELECT * FROM memories WHERE id = ?').get(id);
    return row ? parsed(row) : null;
  }

  rows(): BaselineRow[] {
    return this.#db.prepare('SELECT * FROM memories ORDER BY id').all().map(parsed);
  }

  archived(): string[] {
    return this.#db
      .prepare('SELECT id FROM archived_memories ORDER BY id')
      .all()
      .map(({ id }) => String(id));
  }

  links(): string[] {
    const rows = this.#db.prepare('SELECT * FROM memory_links ORDER BY source_id, target_id').all();
    return rows.map((row) => [row['source_id'], row['relation'], row['target_id']].join(' '));
  }

  standards(): Json[] {
    return this.#db
      .prepare('SELECT * FROM namespace_meta ORDER BY namespace')
      .all()
      .map((row) => ({ ...row }));
  }

  pendings(): Json[] {
    return this.#db
      .prepare('SELECT row, status FROM pending_actions ORDER BY id')
      .all()
      .map((pending) => ({
        ...(JSON.parse(String(pending['row'])) as Json),
        status: pending['status'],
      }));
  }

  /** One tick of its catch-up loop at a peer: one page after its mark; the mark goes to the greatest time of the page. */
  async catchUp(peer_url: string, limit?: number): Promise<number> {
    const mark = this.#marks.get(peer_url);
    const query = new URLSearchParams({
      peer: this.name,
      ...(mark ? { since: mark } : {}),
      ...(limit ? { limit: `${limit}` } : {}),
    });
    const reply = await fetch(`${peer_url}/api/v1/sync/since?${query.toString()}`);
    if (!reply.ok) return 0;
    const { memories } = (await reply.json()) as { memories: BaselineRow[] };
    for (const row of memories) {
      if (!isValid(row)) continue;
      attempt(() => this.#upsert(row));
      if (row.updated_at > (this.#marks.get(peer_url) ?? '')) this.#marks.set(peer_url, row.updated_at);
    }
    return memories.length;
  }

  // Its side of the wire.

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const url = new URL(request.url ?? '/', 'http://peer');
    const [status, answer] = this.failing === null ? this.#route(request, url, body) : [this.failing, {}];
    const date = new Date(this.#now_ms()).toUTCString();
    response.writeHead(status, { 'content-type': 'application/json', date }).end(JSON.stringify(answer));
  }

  #route(request: IncomingMessage, url: URL, body: Buffer): [number, Json] {
    if (url.pathname === '/api/v1/sync/since') return this.#since(url.searchParams);
    if (url.pathname !== '/api/v1/sync/push') return [404, {}];
    this.received.push({ headers: request.headers, body: body.toString() });
    if (body.length > MAX_BODY_BYTES) return [413, {}];
    if (!request.headers['content-type']?.startsWith('application/json')) return [415, {}];
    return this.#push(body.toString());
  }

  #since(query: URLSearchParams): [number, Json] {
    const limit = Math.min(Number(query.get('limit') ?? 500), 10_000);
    const rows = this.#db
      .prepare('SELECT * FROM memories WHERE updated_at > ? ORDER BY updated_at ASC LIMIT ?')
      .all(query.get('since') ?? '', limit)
      .map(parsed);
    return [200, { count: rows.length, limit, memories: rows }];
  }

  #push(text: string): [number, Json] {
    const push = attempt(() => JSON.parse(text) as Record<string, Json[]>);
    if (!push) return [400, { error: 'syntax' }];
    if (!Array.isArray(push['memories']) || !push['memories'].every(isShaped)) return [422, { error: 'shape' }];
    for (const [list, items] of Object.entries(push))
      if (Array.isArray(items) && items.length > 1000 && list !== 'links')
        return [400, { error: `sync_push limited to 1000 ${list} per request` }];
    const counts: Record<string, number> = { noop: 0, skipped: 0 };
    const each = (list: string, counter: string, apply: (item: never) => boolean): void => {
      counts[counter] = 0;
      for (const item of push[list] ?? []) {
        const effect = attempt(() => apply(item as never));
        const name = effect === undefined ? 'skipped' : effect ? counter : 'noop';
        counts[name] = (counts[name] ?? 0) + 1;
      }
    };
    each('memories', 'applied', (row: BaselineRow) => (isValid(row) ? this.#upsert(row) : fail()));
    each('deletions', 'deleted', (id: string) => this.#delete(id));
    each('archives', 'archived', (id: string) => this.#archive(id, 'sync_push'));
    each('restores', 'restored', (id: string) => this.#restore(id));
    each('links', 'links_applied', (link: Json) => this.#link(link));
    each('pendings', 'pendings_applied', (pending: Json) => this.#pending(pending));
    each('pending_decisions', 'pending_decisions_applied', (decision: Json) => this.#decide(decision));
    each('namespace_meta', 'namespace_meta_applied', (meta: Json) => this.#setMeta(meta));
    each('namespace_meta_clears', 'namespace_meta_cleared', (namespace: string) =>
      this.#changed('DELETE FROM namespace_meta WHERE namespace = ?', namespace),
    );
    return [
      200,
      { ...counts, dry_run: false, receiver_agent_id: 'anonymous:req-00000000', receiver_clock: { entries: {} } },
    ];
  }

  #upsert(row: BaselineRow): boolean {
    this.#db.prepare(UPSERT).run(...values(row));
    return true;
  }

  #delete(id: string): boolean {
    this.#db.prepare('DELETE FROM namespace_meta WHERE standard_id = ?').run(id);
    return this.#changed('DELETE FROM memories WHERE id = ?', id);
  }

  #archive(id: string, reason: string): boolean {
    const row = this.get(id);
    if (!row) return false;
    this.#db.prepare('INSERT OR REPLACE INTO archived_memories VALUES (?, ?, ?)').run(id, JSON.stringify(row), reason);
    return this.#delete(id);
  }

  /** The row comes back under this node's own time; a live one of the id, or of the title, makes it fail (§2.5). */
  #restore(id: string): boolean {
    const archived = this.#db.prepare('SELECT row FROM archived_memories WHERE id = ?').get(id);
    if (!archived) return false;
    const row = { ...(JSON.parse(String(archived['row'])) as BaselineRow), updated_at: this.#now() };
    this.#db
      .prepare(`INSERT INTO memories (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})`)
      .run(...values(row));
    return this.#changed('DELETE FROM archived_memories WHERE id = ?', id);
  }

  #link(link: Json): boolean {
    if (!RELATIONS.includes(String(link['relation'])) || link['source_id'] === link['target_id']) fail();
    this.#db
      .prepare('INSERT INTO memory_links VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING')
      .run(String(link['source_id']), String(link['target_id']), String(link['relation']), String(link['created_at']));
    return true;
  }

  /** All columns by id, so that a replay opens what was decided (D18). */
  #pending(pending: Json): boolean {
    const { status, ...row } = pending;
    this.#db
      .prepare('INSERT OR REPLACE INTO pending_actions VALUES (?, ?, ?)')
      .run(String(row['id']), JSON.stringify(row), String(status));
    return true;
  }

  #decide(decision: Json): boolean {
    return this.#changed(
      "UPDATE pending_actions SET status = ? WHERE id = ? AND status = 'pending'",
      decision['approved'] === true ? 'approved' : 'rejected',
      String(decision['id']),
    );
  }

  #setMeta(meta: Json): boolean {
    if (!this.get(String(meta['standard_id']))) fail();
    this.#db
      .prepare('INSERT OR REPLACE INTO namespace_meta VALUES (?, ?, ?)')
      .run(
        String(meta['namespace']),
        String(meta['standard_id']),
        (meta['parent_namespace'] as string | undefined) ?? null,
      );
    return true;
  }

  #changed(sql: string, ...parameters: SQLInputValue[]): boolean {
    return Number(this.#db.prepare(sql).run(...parameters).changes) > 0;
  }

  async #broadcast(lists: Json): Promise<SentPush[]> {
    const body = JSON.stringify({ sender_agent_id: this.name, memories: [], ...lists, dry_run: false });
    const key = crypto.randomUUID();
    return Promise.all(
      this.peers.map(async (peer) => {
        const reply = await fetch(`${peer}/api/v1/sync/push`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'idempotency-key': key },
          body,
        }).catch(() => null);
        return { status: reply?.status ?? 0, body: (await reply?.json().catch(() => null)) as Json };
      }),
    );
  }

  /** Rust's form: an offset of `+00:00`, and as many digits as are not zero in groups of three. */
  #now(): string {
    const nanoseconds = String((this.#ticks++ * 1009) % 1_000_000).padStart(6, '0');
    return `${new Date(this.#now_ms()).toISOString().slice(0, -1)}${nanoseconds}+00:00`;
  }
}

function values(row: Json): SQLInputValue[] {
  return COLUMNS.map((column) => {
    const value = column === 'metadata' ? (row[column] ?? {}) : row[column];
    return typeof value === 'object' && value !== null ? JSON.stringify(value) : ((value as SQLInputValue) ?? null);
  });
}

function parsed(row: Record<string, unknown>): BaselineRow {
  const whole = {
    ...row,
    tags: JSON.parse(String(row['tags'])) as unknown,
    metadata: JSON.parse(String(row['metadata'])) as unknown,
  };
  return Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== null)) as BaselineRow;
}

/** Types only: another shape of one memory refuses the whole request. */
function isShaped(row: Json): boolean {
  if (typeof row !== 'object' || row === null) return false;
  return Object.entries(REQUIRED).every(([name, type]) =>
    type === 'array' ? Array.isArray(row[name]) : typeof row[name] === type,
  );
}

/** Values: another one skips the item, in a 200. */
function isValid(row: BaselineRow): boolean {
  return (
    TIERS.includes(String(row['tier'])) &&
    SOURCES.includes(String(row['source'])) &&
    row.title.trim() !== '' &&
    [...row.title].length <= 512 &&
    Buffer.byteLength(String(row['content'])) <= 65_536 &&
    Number(row['priority']) >= 1 &&
    Number(row['priority']) <= 10 &&
    !Number.isNaN(Date.parse(row.updated_at))
  );
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    // One item that fails is one item skipped.
    return undefined;
  }
}

function fail(): never {
  throw new Error('skipped');
}
