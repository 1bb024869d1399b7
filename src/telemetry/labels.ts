import { Database } from '../storage/sqlite/database.ts';
import { migrate } from '../storage/sqlite/migrations.ts';

export type LabelKind = 'workspace' | 'session';

export interface Label {
  hash: string;
  kind: LabelKind;
  /** What a person calls it: a repository's name; of a session, its native id. */
  name: string;
  /** Identity of the workspace (`github.com/acme/web`, or a path); of a session, its workspace's hash. */
  detail: string;
}

/**
 * The names behind the hashes (R5): local, 0600, read by the command line and the local console, by no destination.
 * Hashes are for the wire; without this file they cannot be turned back.
 */
export class Labels {
  readonly #db: Database;
  readonly #known = new Set<string>();

  constructor(path: string, now_ms: number) {
    this.#db = new Database(path, { background_sync: true });
    migrate(this.#db, new URL('./label-migrations/', import.meta.url), now_ms);
  }

  /** Remembers labels; one transaction for all that are new to this run. They are on disk when it resolves. */
  async remember(labels: readonly Label[]): Promise<void> {
    const fresh = labels.filter(({ hash, name, detail }) => !this.#known.has(`${hash} ${name} ${detail}`));
    if (fresh.length === 0) return;
    await this.#db.together(() => {
      for (const { hash, kind, name, detail } of fresh)
        this.#db.run(
          `INSERT INTO label (hash, kind, name, detail) VALUES (?, ?, ?, ?)
           ON CONFLICT (hash) DO UPDATE SET name = excluded.name, detail = excluded.detail`,
          hash,
          kind,
          name,
          detail,
        );
    });
    for (const { hash, name, detail } of fresh) this.#known.add(`${hash} ${name} ${detail}`);
  }

  /** Forgets labels and leaves no byte of them (R11). False: a reader still holds the pages as they were; call again. */
  forget(hashes: readonly string[]): boolean {
    this.#db.run('DELETE FROM label WHERE hash IN (SELECT value FROM json_each(?))', JSON.stringify(hashes));
    this.#known.clear();
    return this.#db.scrub();
  }

  find(hash: string): Label | undefined {
    return this.#db.get<Label>('SELECT hash, kind, name, detail FROM label WHERE hash = ?', hash);
  }

  all(kind: LabelKind): Label[] {
    return this.#db.all<Label>('SELECT hash, kind, name, detail FROM label WHERE kind = ?', kind);
  }

  /** Hashes of the sessions whose native id begins with `prefix`. */
  sessionsNamed(prefix: string): Label[] {
    return this.#db.all<Label>(
      `SELECT hash, kind, name, detail FROM label WHERE kind = 'session' AND substr(name, 1, ?) = ?`,
      prefix.length,
      prefix,
    );
  }

  count(kind: LabelKind): number {
    return this.#db.value<number>('SELECT count(DISTINCT detail) FROM label WHERE kind = ?', kind);
  }

  close(): void {
    this.#db.close();
  }
}
