import {
  InvalidInputError,
  StaleError,
  UnreachableError,
  messageOf,
  type SynclineError,
} from '../../platform/errors.ts';

/** Primary result codes of SQLite (its "Result and Error Codes" page); extended codes carry them in the low byte. */
const SQLITE = {
  error: 1,
  busy: 5,
  locked: 6,
  corrupt: 11,
  schema: 17,
  notadb: 26,
} as const;

/**
 * An error of node:sqlite on agentsview's file as one of ours. Codes and whether trying again can help:
 *
 * | code | class | what it is |
 * |---|---|---|
 * | `agentsview.locked` | UnreachableError | another process holds the file exclusively; soon again |
 * | `agentsview.unreadable` | UnreachableError | rights, a folder in which `-shm` cannot be made, an I/O error; again after a repair |
 * | `agentsview.damaged` | InvalidInputError | not a database, cut off, or damaged inside; not before the file is another |
 * | `agentsview.schema_changed` | StaleError | a table or column went while we held the file; reopen and read again |
 *
 * Anything that is no failure of SQLite is given back as it is.
 */
export function sqliteFailure(error: unknown): unknown {
  const code = primaryCode(error);
  return code === null ? error : translated(code, error);
}

function translated(code: number, error: unknown): SynclineError {
  const cause = { cause: error };
  switch (code) {
    case SQLITE.busy:
    case SQLITE.locked:
      return new UnreachableError('agentsview.locked', "agentsview's database is locked by another process.", {
        hint: 'It is read again on the next round; if this stays, see which program holds the file.',
        ...cause,
      });
    case SQLITE.corrupt:
    case SQLITE.notadb:
      return new InvalidInputError('agentsview.damaged', "agentsview's database is damaged or cut off.", {
        hint: 'Nothing was taken from it. Let agentsview rebuild its database (a full resync).',
        ...cause,
      });
    case SQLITE.error:
    case SQLITE.schema:
      return new StaleError('agentsview.schema_changed', `agentsview's tables changed: ${messageOf(error)}.`, {
        hint: 'It is opened and examined anew on the next round.',
        ...cause,
      });
    // PERM, READONLY, IOERR, CANTOPEN and whatever else the file system answers.
    default:
      return new UnreachableError('agentsview.unreadable', "agentsview's database cannot be read.", {
        hint:
          'Syncline needs the right to read it and, while agentsview is not running, to create the -shm file ' +
          'beside it, as every reader of such a database does. Run both as the same user.',
        ...cause,
      });
  }
}

/** The primary result code, or null when the error is not SQLite's. */
function primaryCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null;
  return error.errcode & 0xff;
}
