import type { Database } from '../../storage/sqlite/database.ts';

/** Says a workspace's name where it is known on this machine (R5); null where it is not. */
export type ProjectNames = (workspace_hash: string) => string | null;

const MAX_PATTERN = 200;

/** The workspaces of one team, by the names that this reader may see. */
export class Projects {
  readonly #names = new Map<number, string>();
  readonly #hashes = new Map<number, string>();

  constructor(db: Database, team_id: string, names: ProjectNames | undefined) {
    const rows = db.all<{ workspace_key: number; workspace_hash: string; project_name: string | null }>(
      'SELECT workspace_key, workspace_hash, project_name FROM workspace WHERE team_id = ?',
      team_id,
    );
    for (const row of rows) {
      this.#names.set(row.workspace_key, names?.(row.workspace_hash) ?? row.project_name ?? row.workspace_hash);
      this.#hashes.set(row.workspace_key, row.workspace_hash);
    }
  }

  /** Own name, else the name that its sender gave, else its hash. */
  nameOf(workspace_key: number | null): string {
    return (workspace_key === null ? undefined : this.#names.get(workspace_key)) ?? 'unknown';
  }

  /** Keys of the workspaces whose name matches the glob (`*`, `?`) or whose hash is equal; null stands for all. */
  matching(pattern: string | null): number[] | null {
    if (pattern === null) return null;
    const matches = globMatcher(pattern);
    return [...this.#names]
      .filter(([key, name]) => matches(name) || this.#hashes.get(key) === pattern)
      .map(([key]) => key);
  }
}

/** `*` is any run of characters, `/` included: a project is named by a path of unknown depth. */
function globMatcher(pattern: string): (name: string) => boolean {
  const source = pattern
    .slice(0, MAX_PATTERN)
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.');
  const regex = new RegExp(`^${source}$`, 'su');
  return (name) => regex.test(name);
}
