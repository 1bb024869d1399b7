import { appendFileSync, closeSync, mkdirSync, openSync, readdirSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { SpoolRecord } from './record.ts';

/** R22: beyond this the spool takes nothing more; transcripts still hold what matters. */
export const SPOOL_CAP_BYTES = 64 * 1024 * 1024;

/** One file for each hour in UTC, so that the reader can delete what it has read while hooks go on writing. */
export function spoolFileName(ts_ms: number): string {
  return `hook-${new Date(ts_ms).toISOString().slice(0, 13).replace(/[-T]/g, '')}.jsonl`;
}

/**
 * Appends one record with one write, so that hooks running at the same time never mix their lines. False when the spool
 * is at its cap or the disk took only a part. Throws what the file system throws.
 */
export function appendRecord(spool_dir: string, record: SpoolRecord, cap_bytes = SPOOL_CAP_BYTES): boolean {
  mkdirSync(spool_dir, { recursive: true, mode: 0o700 });
  // The first line break ends a line that a full disk may have cut; the reader passes over empty lines.
  const line = Buffer.from(`\n${JSON.stringify(record)}\n`);
  if (spoolBytes(spool_dir) + line.length > cap_bytes) return false;
  const file = openSync(join(spool_dir, spoolFileName(record.ts_ms)), 'a', 0o600);
  try {
    return writeSync(file, line) === line.length;
  } finally {
    closeSync(file);
  }
}

/** Counts one event that was not kept: the size of the file is the number. Throws what the file system throws. */
export function countDrop(spool_dir: string): void {
  mkdirSync(spool_dir, { recursive: true, mode: 0o700 });
  appendFileSync(join(spool_dir, 'dropped'), '.', { mode: 0o600 });
}

function spoolBytes(spool_dir: string): number {
  let bytes = 0;
  for (const name of readdirSync(spool_dir)) {
    if (name.endsWith('.jsonl')) bytes += statSync(join(spool_dir, name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}
