import type { FlowWrite } from '../../engine/transaction.ts';
import { invariant } from '../../platform/errors.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { IN_DOUBT, type LinkedSegment, type Redactions, type SessionLink } from './session-link.ts';

/** Index (4), raw hash (8), masked hash (8). */
const SEGMENT_BYTES = 20;

/** A link as it was read; `version` is what a write of it must still meet. */
export interface SavedLink {
  link: SessionLink;
  version: number;
}

interface LinkRow {
  state: SessionLink['state'];
  fingerprint: string | null;
  owner: string;
  rule_set: string;
  segments: Uint8Array;
  redactions: string;
  next_index: number | null;
  gone_since_ms: number | null;
  told_head: string | null;
  stored_ms: number;
  version: number;
}

/** The links of one journal. Written only with the settlement of a task, or with the step before a request. */
export class SessionLinks {
  readonly #db: Database;

  /** `migrateSessionTables` must have run on `db`, the journal's file. */
  constructor(db: Database) {
    this.#db = db;
  }

  /** Whether the destination has anything of ours. */
  any(destination_id: string): boolean {
    const sql = 'SELECT EXISTS (SELECT 1 FROM session_link WHERE destination_id = ? AND fingerprint IS NOT NULL)';
    return this.#db.value<number>(sql, destination_id) === 1;
  }

  /** Destinations that have, or had, anything of ours. */
  destinations(): string[] {
    return this.#db
      .all<{ destination_id: string }>('SELECT DISTINCT destination_id FROM session_link')
      .map(({ destination_id }) => destination_id);
  }

  /**
   * Forgets what was brought to a destination that is another store by now: everything is brought there anew. What was
   * taken back or erased stays so.
   */
  forget(destination_id: string): void {
    this.#db.run(`DELETE FROM session_link WHERE destination_id = ? AND state = 'stored'`, destination_id);
  }

  /**
   * What the destination was told last, of what nothing is under way: brought there (its fingerprint), or taken away
   * again (null).
   */
  newest(destination_id: string): { key: string; fingerprint: string | null }[] {
    const newest = (condition: string): { key: string; fingerprint: string | null }[] =>
      this.#db.all(
        `SELECT key, fingerprint FROM session_link l WHERE destination_id = ?1 AND ${condition}
           AND NOT EXISTS (SELECT 1 FROM task t WHERE t.destination_id = ?1 AND t.key = l.key)
         ORDER BY stored_ms DESC LIMIT 1`,
        destination_id,
      );
    return [...newest(`fingerprint <> '${IN_DOUBT}'`), ...newest(`state <> 'stored' AND fingerprint IS NULL`)];
  }

  /**
   * The destination has forgotten: what was brought there is compared anew, and what was taken away or erased is taken
   * away once more, because it may be there again.
   */
  distrust(destination_id: string): void {
    this.#db.transaction(() => {
      this.forget(destination_id);
      this.#db.run(
        `UPDATE session_link SET state = 'withdrawn', fingerprint = ?, version = version + 1 WHERE destination_id = ?`,
        IN_DOUBT,
        destination_id,
      );
    });
  }

  read(destination_id: string, key: string): SavedLink | null {
    const row = this.#db.get<LinkRow & Record<string, never>>(
      `SELECT state, fingerprint, owner, rule_set, segments, redactions, next_index, gone_since_ms, told_head,
              stored_ms, version
         FROM session_link WHERE destination_id = ? AND key = ?`,
      destination_id,
      key,
    ) as LinkRow | undefined;
    if (!row) return null;
    const { segments, redactions, version, ...rest } = row;
    return { link: { ...rest, segments: decode(segments, redactions) }, version };
  }

  /**
   * The write that puts `link` in the place of version `replaces` (null: of none); as `stale` it undoes what it commits
   * with when somebody else wrote the link since. The new version is `replaces + 1`, of a first one 1.
   */
  write(destination_id: string, key: string, link: SessionLink, replaces: number | null): FlowWrite {
    const columns = [
      link.state,
      link.fingerprint,
      link.owner,
      link.rule_set,
      encode(link.segments),
      JSON.stringify(redactionsByIndex(link.segments)),
      link.next_index,
      link.gone_since_ms,
      link.told_head,
      link.stored_ms,
    ];
    if (replaces === null)
      return {
        sql: `INSERT INTO session_link (state, fingerprint, owner, rule_set, segments, redactions, next_index, gone_since_ms, told_head,
                stored_ms, version, destination_id, key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?) ON CONFLICT DO NOTHING`,
        parameters: [...columns, destination_id, key],
        expect_rows: 1,
      };
    return {
      sql: `UPDATE session_link SET state = ?, fingerprint = ?, owner = ?, rule_set = ?, segments = ?, redactions = ?, next_index = ?,
              gone_since_ms = ?, told_head = ?, stored_ms = ?, version = version + 1 WHERE destination_id = ? AND key = ? AND version = ?`,
      parameters: [...columns, destination_id, key, replaces],
      expect_rows: 1,
    };
  }
}

function encode(segments: readonly LinkedSegment[]): Uint8Array {
  const bytes = Buffer.alloc(segments.length * SEGMENT_BYTES);
  for (const [place, { index, raw, masked }] of segments.entries()) {
    const at = place * SEGMENT_BYTES;
    bytes.writeUInt32BE(index, at);
    bytes.write(raw, at + 4, 8, 'hex');
    bytes.write(masked, at + 12, 8, 'hex');
  }
  return bytes;
}

function decode(blob: Uint8Array, redactions: string): LinkedSegment[] {
  invariant(blob.length % SEGMENT_BYTES === 0, 'a link holds whole segments');
  const bytes = Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength);
  const by_index = JSON.parse(redactions) as Record<string, Redactions>;
  return Array.from({ length: bytes.length / SEGMENT_BYTES }, (_, place) => {
    const at = place * SEGMENT_BYTES;
    const index = bytes.readUInt32BE(at);
    return {
      index,
      raw: bytes.toString('hex', at + 4, at + 12),
      masked: bytes.toString('hex', at + 12, at + 20),
      redactions: by_index[String(index)] ?? {},
    };
  });
}

function redactionsByIndex(segments: readonly LinkedSegment[]): Record<string, Redactions> {
  const found = segments.filter(({ redactions }) => Object.keys(redactions).length > 0);
  return Object.fromEntries(found.map(({ index, redactions }) => [String(index), redactions]));
}
