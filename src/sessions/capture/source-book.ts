import { invariant } from '../../platform/errors.ts';
import type { FlowWrite } from '../../engine/store.ts';
import type { Database } from '../../storage/sqlite/database.ts';

/** What is kept of one source between rounds. */
export interface SourceNotes {
  name: string;
  /** Of the last finished round, in whatever epoch; null = none was finished yet. */
  checkpoint: string | null;
  reading_version: number;
  force_requested: number;
  force_done: number;
  last_round_ms: number | null;
  last_change_ms: number | null;
  paused: SourcePause | null;
  vanished_accepted: boolean;
  error: SourceError | null;
  /** Another source was read since its last round: what that took over must be taken back. */
  other_read_since: boolean;
}

/** Why a source is paused: so many of its sessions are missing at once that nothing is believed (R12). */
export interface SourcePause {
  since_ms: number;
  vanished: number;
  known: number;
}

export interface SourceError {
  at_ms: number;
  code: string;
  message: string;
}

/** What a finished round changes of its source's notes. */
export interface FinishedRound {
  name: string;
  checkpoint: string;
  now_ms: number;
  changed: boolean;
  /** Set when the round compared every session: the version and the requests that it satisfied. */
  compared_all: { reading_version: number; force_done: number } | null;
}

interface Row {
  name: string;
  checkpoint: string | null;
  reading_version: number;
  force_requested: number;
  force_done: number;
  last_round_ms: number | null;
  last_change_ms: number | null;
  paused_since_ms: number | null;
  paused_vanished: number | null;
  paused_known: number | null;
  vanished_accepted: number;
  error_at_ms: number | null;
  error_code: string | null;
  error_message: string | null;
  other_round_ms: number | null;
}

const SELECT = `SELECT *, (SELECT max(last_round_ms) FROM session_source AS other WHERE other.name <> own.name)
  AS other_round_ms FROM session_source AS own WHERE name = ?`;

/** The rows of `session_source`. */
export class SourceBook {
  readonly #db: Database;
  readonly #reading_version: number;

  constructor(db: Database, reading_version: number) {
    this.#db = db;
    this.#reading_version = reading_version;
  }

  /** The notes of a source, made when there are none: what was never read needs no reading again in a new way. */
  notes(name: string): SourceNotes {
    const known = this.#db.get<Row>(SELECT, name);
    if (known) return notesOf(known);
    this.#db.run(
      'INSERT INTO session_source (name, reading_version) VALUES (?, ?) ON CONFLICT DO NOTHING',
      name,
      this.#reading_version,
    );
    const made = this.#db.get<Row>(SELECT, name);
    invariant(made, 'a row just inserted is there');
    return notesOf(made);
  }

  requestForce(name: string): void {
    this.notes(name);
    this.#db.run('UPDATE session_source SET force_requested = force_requested + 1 WHERE name = ?', name);
  }

  pause(name: string, pause: SourcePause): void {
    this.#db.run(
      `UPDATE session_source SET paused_since_ms = coalesce(paused_since_ms, ?), paused_vanished = ?, paused_known = ?,
         last_round_ms = ?, error_at_ms = NULL, error_code = NULL, error_message = NULL WHERE name = ?`,
      pause.since_ms,
      pause.vanished,
      pause.known,
      pause.since_ms,
      name,
    );
  }

  /** The operator says that the missing sessions are gone indeed. False when the source is not paused. */
  acceptVanished(name: string): boolean {
    return (
      this.#db.run(
        'UPDATE session_source SET vanished_accepted = 1 WHERE name = ? AND paused_since_ms IS NOT NULL',
        name,
      ) === 1
    );
  }

  noteError(name: string, error: SourceError): void {
    this.#db.run(
      'UPDATE session_source SET error_at_ms = ?, error_code = ?, error_message = ? WHERE name = ?',
      error.at_ms,
      error.code,
      error.message,
      name,
    );
  }
}

/** The write that ends a round; it commits with the round's last notices and its checkpoint. */
export function finishedRound(round: FinishedRound): FlowWrite {
  return {
    sql: `UPDATE session_source SET last_round_ms = ?1, last_change_ms = CASE WHEN ?2 THEN ?1 ELSE last_change_ms END,
        reading_version = max(reading_version, coalesce(?3, 0)), force_done = max(force_done, coalesce(?4, 0)),
        paused_since_ms = NULL, paused_vanished = NULL, paused_known = NULL, vanished_accepted = 0,
        error_at_ms = NULL, error_code = NULL, error_message = NULL, checkpoint = ?5
      WHERE name = ?6`,
    parameters: [
      round.now_ms,
      round.changed ? 1 : 0,
      round.compared_all?.reading_version ?? null,
      round.compared_all?.force_done ?? null,
      round.checkpoint,
      round.name,
    ],
    expect_rows: 1,
  };
}

function notesOf(row: Row): SourceNotes {
  return {
    name: row.name,
    checkpoint: row.checkpoint,
    reading_version: row.reading_version,
    force_requested: row.force_requested,
    force_done: row.force_done,
    last_round_ms: row.last_round_ms,
    last_change_ms: row.last_change_ms,
    paused:
      row.paused_since_ms === null
        ? null
        : { since_ms: row.paused_since_ms, vanished: row.paused_vanished ?? 0, known: row.paused_known ?? 0 },
    vanished_accepted: row.vanished_accepted === 1,
    error:
      row.error_at_ms === null
        ? null
        : { at_ms: row.error_at_ms, code: row.error_code ?? '', message: row.error_message ?? '' },
    other_read_since: (row.other_round_ms ?? 0) > (row.last_round_ms ?? 0),
  };
}
