import type { SQLInputValue } from 'node:sqlite';
import { Database } from '../../src/storage/sqlite/database.ts';

/** Thrown where a test lets the process end. */
export class Crash extends Error {}

/**
 * A database whose process ends at a chosen statement: that statement and all after it fail, until the file is opened
 * anew. `after`: the statement still has its effect, only its caller never hears of it.
 */
export class FaultyDatabase extends Database {
  // Public fields: the base class runs statements before these are set, and then sees `undefined`.
  statements: number | undefined = 0;
  crash_at: number | undefined = undefined;
  crash_side: 'before' | 'after' | undefined = undefined;

  crashAt(statement: number, side: 'before' | 'after'): void {
    this.statements = 0;
    this.crash_at = statement;
    this.crash_side = side;
  }

  /** Takes the crash back when it has not come yet. */
  spare(): void {
    this.crash_at = undefined;
  }

  /** Whether the crash has come. */
  get crashed(): boolean {
    return this.crash_at !== undefined && (this.statements ?? 0) >= this.crash_at;
  }

  override exec(sql: string): void {
    cut(this, () => super.exec(sql));
  }

  override run(sql: string, ...parameters: SQLInputValue[]): number {
    return cut(this, () => super.run(sql, ...parameters));
  }

  override get<T extends object>(sql: string, ...parameters: SQLInputValue[]): T | undefined {
    return cut(this, () => super.get<T>(sql, ...parameters));
  }

  override all<T extends object>(sql: string, ...parameters: SQLInputValue[]): T[] {
    return cut(this, () => super.all<T>(sql, ...parameters));
  }
}

/** A function, not a private method: the base class's constructor runs statements before private methods exist. */
function cut<T>(db: FaultyDatabase, statement: () => T): T {
  if (db.statements === undefined || db.crash_at === undefined) return statement();
  const number = ++db.statements;
  if (number > db.crash_at || (number === db.crash_at && db.crash_side === 'before'))
    throw new Crash(`before statement ${number}`);
  const result = statement();
  if (number === db.crash_at) throw new Crash(`after statement ${number}`);
  return result;
}
