import { invariant } from '../../platform/errors.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import type { Principal } from './principal.ts';

/** Hashes remembered to save a look-up; a batch names few workspaces and sessions, again and again. */
const MAX_CACHED = 10_000;

interface CachedWorkspace {
  workspace_key: number;
  project_name: string | null;
}

/**
 * Gives workspaces and sessions their short keys. Keys it has seen are cached; `forget` must be called when a
 * transaction rolls back, since keys given inside it are void.
 */
export class Interner {
  readonly #db: Database;
  readonly #workspaces = new Map<string, CachedWorkspace>();
  readonly #sessions = new Map<string, number>();
  readonly #workspace_hashes = new Map<number, string>();

  constructor(db: Database) {
    this.#db = db;
  }

  /** Key of a workspace; made when new. A given name replaces the one kept. */
  workspace(team_id: string, workspace_hash: string, project_name: string | null): number {
    const cache_key = `${team_id}\n${workspace_hash}`;
    const cached = this.#workspaces.get(cache_key);
    if (cached && (project_name === null || project_name === cached.project_name)) return cached.workspace_key;
    const row = this.#db.get<CachedWorkspace>(
      `INSERT INTO workspace (team_id, workspace_hash, project_name) VALUES (?, ?, ?)
       ON CONFLICT (team_id, workspace_hash) DO UPDATE SET project_name = coalesce(excluded.project_name, project_name)
       RETURNING workspace_key, project_name`,
      team_id,
      workspace_hash,
      project_name,
    );
    invariant(row, 'an upsert returns its row');
    remember(this.#workspaces, cache_key, row);
    remember(this.#workspace_hashes, row.workspace_key, workspace_hash);
    return row.workspace_key;
  }

  /** Key of a session; a row of its own is made when new. */
  session(principal: Principal, session_id_hash: string, received_ms: number): number {
    const cache_key = `${principal.team_id}\n${session_id_hash}`;
    const cached = this.#sessions.get(cache_key);
    if (cached !== undefined) return cached;
    const key = this.#db.value<number>(
      `INSERT INTO session (team_id, session_id_hash, received_ms) VALUES (?, ?, ?)
       ON CONFLICT (team_id, session_id_hash) DO UPDATE SET received_ms = min(received_ms, excluded.received_ms)
       RETURNING session_key`,
      principal.team_id,
      session_id_hash,
      received_ms,
    );
    remember(this.#sessions, cache_key, key);
    return key;
  }

  workspaceHash(workspace_key: number): string {
    const cached = this.#workspace_hashes.get(workspace_key);
    if (cached !== undefined) return cached;
    const hash = this.#db.value<string>('SELECT workspace_hash FROM workspace WHERE workspace_key = ?', workspace_key);
    remember(this.#workspace_hashes, workspace_key, hash);
    return hash;
  }

  forget(): void {
    this.#workspaces.clear();
    this.#sessions.clear();
    this.#workspace_hashes.clear();
  }
}

function remember<K, V>(cache: Map<K, V>, key: K, value: V): void {
  if (cache.size >= MAX_CACHED) cache.clear();
  cache.set(key, value);
}
