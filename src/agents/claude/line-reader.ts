import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { ReadLimits } from '../source.ts';

const NEWLINE = 10;
const CHUNK_BYTES = 1024 * 1024;
const SMALLEST_BUFFER_BYTES = 16 * 1024;
/** Beyond what a step takes, for the line it ends in: what is read further is read again by the next step. */
const LAST_LINE_BYTES = 64 * 1024;

/** Everything before `offset` was taken. */
export interface LinePosition {
  offset: number;
  /** True in the middle of a line that is too long: the rest up to its newline is thrown away. */
  discarding: boolean;
  /** CRC-32 of all bytes before `offset`, to recognise a rewritten file; serialisable, which no digest of node:crypto is. */
  prefix_crc32: number;
}

export interface LinesRead {
  position: LinePosition;
  oversize: number;
  /** Bytes are left that this step did not look at or take. */
  more: boolean;
}

/** Called with each complete line, newline excluded: `buffer[start, end)` stands at `offset` in the file. */
export type LineVisitor = (buffer: Buffer, start: number, end: number, offset: number) => void;

/** How `readLines` is told where to start and stop. */
export interface LineRange {
  from: LinePosition;
  /** Size of the file as just seen; only sizes the buffer and `more`. */
  file_size: number;
  limits: ReadLimits;
}

/**
 * Where the next read begins: a buffer for each step of a long history is garbage outside V8's heap, of which a few
 * megabytes make it collect all of that. Null while somebody reads into it; then another is made.
 */
let spare: Buffer | null = null;

/**
 * Reads complete lines from a growing file, byte exact: a last line without newline stays unread and the position stays
 * before it. Memory is bounded by `max_line_bytes` (a longer line is skipped and counted) plus one chunk. Takes at least
 * one line however small `max_bytes` is, and stops at the first line end at or after it. What `visit` is given is overwritten
 * afterwards.
 */
export async function readLines(handle: FileHandle, range: LineRange, visit: LineVisitor): Promise<LinesRead> {
  const buffer = spare ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
  spare = null;
  try {
    return await readLinesInto(buffer, handle, range, visit);
  } finally {
    spare = buffer;
  }
}

async function readLinesInto(
  first: Buffer,
  handle: FileHandle,
  range: LineRange,
  visit: LineVisitor,
): Promise<LinesRead> {
  const { limits } = range;
  const position = { ...range.from };
  const stop_at = position.offset + Math.max(1, limits.max_bytes);
  let buffer = first.subarray(0, firstLength(range));
  let filled = 0;
  let oversize = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, position.offset + filled);
    if (bytesRead === 0) return { position, oversize, more: false };
    const taken = takeLines(buffer.subarray(0, filled + bytesRead), filled, position, stop_at, limits, visit);
    filled += bytesRead;
    oversize += taken.oversize;
    advance(position, buffer, taken.bytes);
    if (taken.stopped) return { position, oversize, more: true };

    let rest = filled - taken.bytes;
    if (!position.discarding && rest > limits.max_line_bytes) {
      position.discarding = true;
      oversize++;
    }
    if (position.discarding) {
      advance(position, buffer.subarray(taken.bytes, filled), rest);
      rest = 0;
    } else if (taken.bytes > 0) buffer.copyWithin(0, taken.bytes, filled);
    filled = rest;
    if (position.offset >= stop_at) {
      return { position, oversize, more: range.file_size > position.offset + filled };
    }
    if (filled === buffer.length) buffer = grown(buffer, limits.max_line_bytes);
  }
}

function firstLength(range: LineRange): number {
  const unread = range.file_size - range.from.offset;
  // One byte more than is left, so that a file read to its end needs no second buffer.
  return Math.min(
    CHUNK_BYTES,
    Math.max(SMALLEST_BUFFER_BYTES, Math.min(unread + 1, range.limits.max_bytes + LAST_LINE_BYTES)),
  );
}

function grown(buffer: Buffer, max_line_bytes: number): Buffer {
  const larger = Buffer.allocUnsafe(Math.max(buffer.length + 1, Math.min(buffer.length * 2, max_line_bytes + 1)));
  buffer.copy(larger);
  return larger;
}

function advance(position: LinePosition, buffer: Buffer, bytes: number): void {
  if (bytes === 0) return;
  position.prefix_crc32 = crc32(buffer.subarray(0, bytes), position.prefix_crc32);
  position.offset += bytes;
}

function takeLines(
  view: Buffer,
  searched: number,
  position: LinePosition,
  stop_at: number,
  limits: ReadLimits,
  visit: LineVisitor,
): { bytes: number; oversize: number; stopped: boolean } {
  let start = 0;
  let oversize = 0;
  let newline = view.indexOf(NEWLINE, searched);
  while (newline !== -1) {
    if (start > 0 && position.offset + start >= stop_at) return { bytes: start, oversize, stopped: true };
    if (position.discarding) position.discarding = false;
    else if (newline - start > limits.max_line_bytes) oversize++;
    else visit(view, start, newline, position.offset + start);
    start = newline + 1;
    newline = view.indexOf(NEWLINE, start);
  }
  return { bytes: start, oversize, stopped: false };
}
