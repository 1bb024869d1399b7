/**
 * The reader's side of the spool. Hooks only append (`spool-writer.ts`); the daemon reads from a byte offset that it
 * commits with the entries, and deletes files whose hour is over.
 */
import { open, readdir, stat, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { spoolRecord, type SpoolRecord } from './record.ts';

export interface SpoolFile {
  /** `hook-YYYYMMDDHH.jsonl`; with an offset it names a record for ever. */
  name: string;
  path: string;
  size_bytes: number;
  /** When hooks stop writing to it: the end of its hour in UTC, epoch milliseconds. */
  hour_end_ms: number;
}

export interface SpooledRecord {
  /** Byte offset of the record's line. */
  offset: number;
  /** Of its line, without the break. */
  bytes: number;
  record: SpoolRecord;
}

export interface SpoolStep {
  records: SpooledRecord[];
  /** Where the next step goes on; commit it with the records. */
  next_offset: number;
  /** Lines passed over: torn by a full disk, over the limit, or not a record of this version. */
  malformed: number;
  /** True when the file holds more lines than this step took. */
  more: boolean;
}

/** A hook that began in the last millisecond of an hour writes a little later. */
const GRACE_MS = 60_000;
/** A step's memory. A payload has at most 1 MiB, and escaping its record rarely doubles it. */
const DEFAULT_STEP_BYTES = 4 * 1024 * 1024;
const LINE_BREAK = 0x0a;

/** The spool's files, oldest first; none when there is no spool. Other files in the folder are left alone. */
export async function listSpool(spool_dir: string): Promise<SpoolFile[]> {
  const files: SpoolFile[] = [];
  for (const name of (await namesIn(spool_dir)).sort()) {
    const hour = /^hook-(\d{4})(\d\d)(\d\d)(\d\d)\.jsonl$/.exec(name);
    if (!hour) continue;
    const path = join(spool_dir, name);
    const [year, month, day, hours] = hour.slice(1).map(Number) as [number, number, number, number];
    const hour_end_ms = Date.UTC(year, month - 1, day, hours + 1);
    files.push({ name, path, size_bytes: (await stat(path)).size, hour_end_ms });
  }
  return files;
}

/**
 * Reads whole lines from `from_offset` on, in bounded memory. A last line without its end is waited for as long as a
 * hook may still be writing it. Throws what the file system throws.
 */
export async function readSpool(
  file: SpoolFile,
  from_offset: number,
  now_ms: number,
  max_step_bytes = DEFAULT_STEP_BYTES,
): Promise<SpoolStep> {
  const handle = await open(file.path, 'r');
  try {
    const { size } = await handle.stat();
    const window = Buffer.alloc(Math.min(max_step_bytes, Math.max(0, size - from_offset)));
    const { bytesRead } = await handle.read(window, 0, window.length, from_offset);
    const bytes = window.subarray(0, bytesRead);
    const end = bytes.lastIndexOf(LINE_BREAK) + 1;
    const { records, malformed } = recordsIn(bytes.subarray(0, end), from_offset);
    const rest_bytes = size - from_offset - end;
    if (end > 0 || rest_bytes === 0) {
      return { records, malformed, next_offset: from_offset + end, more: bytes.length < size - from_offset };
    }
    if (bytes.length === max_step_bytes) return await skipLine(handle, from_offset + bytes.length, size);
    const torn = isOver(file, now_ms);
    return { records, malformed: torn ? 1 : 0, next_offset: torn ? size : from_offset, more: false };
  } finally {
    await handle.close();
  }
}

/** True when nothing more will come and everything was read: the file may be deleted. */
export function isFinished(file: SpoolFile, offset: number, now_ms: number): boolean {
  return isOver(file, now_ms) && offset >= file.size_bytes;
}

/** Deletes a file that `isFinished`. */
export async function removeSpoolFile(file: SpoolFile): Promise<void> {
  await unlink(file.path);
}

/** Events that hooks did not keep since the spool began: at the cap, without a salt, unreadable payloads. */
export async function droppedEvents(spool_dir: string): Promise<number> {
  if (!(await namesIn(spool_dir)).includes('dropped')) return 0;
  return (await stat(join(spool_dir, 'dropped'))).size;
}

const isOver = (file: SpoolFile, now_ms: number): boolean => now_ms >= file.hour_end_ms + GRACE_MS;

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function recordsIn(bytes: Buffer, first_offset: number): { records: SpooledRecord[]; malformed: number } {
  const records: SpooledRecord[] = [];
  let malformed = 0;
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(LINE_BREAK, start);
    if (end > start) {
      const record = recordOf(bytes.toString('utf8', start, end));
      if (record === null) malformed++;
      else records.push({ offset: first_offset + start, bytes: end - start, record });
    }
    start = end + 1;
  }
  return { records, malformed };
}

function recordOf(line: string): SpoolRecord | null {
  try {
    return spoolRecord.safeParse(JSON.parse(line)).data ?? null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Passes over a line that is longer than a step; no hook writes one. */
async function skipLine(handle: FileHandle, from: number, size: number): Promise<SpoolStep> {
  const chunk = Buffer.alloc(64 * 1024);
  for (let offset = from; offset < size; offset += chunk.length) {
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, offset);
    const found = chunk.subarray(0, bytesRead).indexOf(LINE_BREAK);
    if (found === -1) continue;
    const next_offset = offset + found + 1;
    return { records: [], malformed: 1, next_offset, more: next_offset < size };
  }
  return { records: [], malformed: 1, next_offset: size, more: false };
}
