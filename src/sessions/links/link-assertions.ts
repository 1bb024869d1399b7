import type { Database } from '../../storage/sqlite/database.ts';
import type { GitLink } from '../store/session-store.ts';
import { parsePullRequest } from './pull-request.ts';
import { isSameCommit, parseSha } from './sha.ts';

/** A commit or a request that a person names. */
export interface LinkTarget {
  kind: 'commit' | 'pull_request';
  /** A commit's id in lower case, or the canonical address of a request. */
  target: string;
  /** `host/owner/repository`; null: not known. */
  repository: string | null;
}

/** What a person says of one session. */
export interface LinkAssertion extends LinkTarget {
  key: string;
  /** False: there is no such link, whatever its text shows. */
  is_linked: boolean;
  at_ms: number;
}

interface AssertionRow extends Omit<LinkAssertion, 'is_linked'> {
  is_linked: 0 | 1;
}

/** `repository`: the session's, for `#12` and for a commit. Null: the text names neither a commit nor a request. */
export function parseLinkTarget(text: string, repository: string | null): LinkTarget | null {
  const sha = parseSha(text);
  if (sha !== null) return { kind: 'commit', target: sha, repository };
  const request = parsePullRequest(text, repository);
  return request && { kind: 'pull_request', target: request.url, repository: request.repository };
}

/** Whether a link leads to what an assertion is about; of a commit also a push of it. */
export function isAbout({ kind, target }: LinkTarget, { sha, url }: Pick<GitLink, 'sha' | 'url'>): boolean {
  return kind === 'commit' ? sha !== null && isSameCommit(sha, target) : url === target;
}

/** Links that people set and took away by hand, in the journal's file: they outlive every reading of a session. */
export class LinkAssertions {
  readonly #db: Database;

  /** `migrateSessionTables` must have run on `db`. */
  constructor(db: Database) {
    this.#db = db;
  }

  /** The last word on a session and its target counts. */
  say({ key, kind, target, repository, is_linked, at_ms }: LinkAssertion): void {
    this.#db.run(
      `INSERT INTO session_link_assertion (key, kind, target, repository, is_linked, at_ms) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (key, target) DO UPDATE SET is_linked = excluded.is_linked, at_ms = excluded.at_ms,
         repository = excluded.repository`,
      key,
      kind,
      target,
      repository,
      is_linked ? 1 : 0,
      at_ms,
    );
  }

  /** Takes back what was said about a target, also under a shorter or longer id of the same commit. Returns how much. */
  unsay(key: string, about: LinkTarget): number {
    const said = this.of(key).filter((assertion) => isSame(assertion, about));
    for (const { target } of said)
      this.#db.run('DELETE FROM session_link_assertion WHERE key = ? AND target = ?', key, target);
    return said.length;
  }

  of(key: string): LinkAssertion[] {
    return this.#rows('WHERE key = ?', key);
  }

  /** All that was said about a target, of every session. People say little: a handful of rows. */
  about(target: LinkTarget): LinkAssertion[] {
    return this.#rows('WHERE kind = ?', target.kind).filter((assertion) => isSame(assertion, target));
  }

  /** Of sessions that were erased. */
  forget(keys: readonly string[]): void {
    this.#db.run(
      'DELETE FROM session_link_assertion WHERE key IN (SELECT value FROM json_each(?))',
      JSON.stringify(keys),
    );
  }

  #rows(where: string, ...parameters: string[]): LinkAssertion[] {
    return this.#db
      .all<AssertionRow>(
        `SELECT key, kind, target, repository, is_linked, at_ms FROM session_link_assertion ${where} ORDER BY at_ms DESC, key`,
        ...parameters,
      )
      .map((row) => ({ ...row, is_linked: row.is_linked === 1 }));
  }
}

function isSame(one: LinkTarget, other: LinkTarget): boolean {
  if (one.kind !== other.kind) return false;
  return one.kind === 'commit' ? isSameCommit(one.target, other.target) : one.target === other.target;
}
