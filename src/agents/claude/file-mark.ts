import { hash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { LinePosition } from './line-reader.ts';

/** Bytes at the head and before the offset whose hash vouches for the part that was read. */
const PROBE_BYTES = 4096;
const CHUNK_BYTES = 1024 * 1024;
/** Within this time of a change a second one may carry the same timestamp (kernels tick in milliseconds). */
const TIMESTAMP_GRAIN_MS = 2000;

/**
 * What a file was when it was last read: enough to tell growth from replacement, truncation and rewriting in place, also
 * with equal size and modification time (§2, pitfall 10). Holds hashes only, no content.
 */
export interface FileMark {
  device: string;
  inode: string;
  size: number;
  mtime_ns: string;
  ctime_ns: string;
  /** The timestamps were old enough to change with the next write. */
  settled: boolean;
  head_hash: string;
  tail_hash: string;
}

/**
 * What a look at a file tells of it, for inequality only: another stamp where it may have changed. Without the device,
 * which restarts of a machine number anew on some file systems: every session would count as changed.
 */
export function fileStamp(stat: BigIntStats): string {
  return [stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs, stat.birthtimeNs].join(':');
}

/** Marks the file as it is, read up to `offset`. `stat` is of before the reading. */
export async function markFile(
  handle: FileHandle,
  stat: BigIntStats,
  offset: number,
  now_ms: number,
): Promise<FileMark> {
  return {
    device: String(stat.dev),
    inode: String(stat.ino),
    size: Number(stat.size),
    mtime_ns: String(stat.mtimeNs),
    ctime_ns: String(stat.ctimeNs),
    settled: now_ms - Number(stat.ctimeMs) >= TIMESTAMP_GRAIN_MS,
    head_hash: await hashRange(handle, 0, Math.min(PROBE_BYTES, offset)),
    tail_hash: await hashRange(handle, Math.max(0, offset - PROBE_BYTES), offset),
  };
}

/** True when `stat` shows no sign of a change since the mark. */
export function isUntouched(mark: FileMark, stat: BigIntStats): boolean {
  return (
    mark.settled &&
    mark.device === String(stat.dev) &&
    mark.size === Number(stat.size) &&
    mark.mtime_ns === String(stat.mtimeNs) &&
    mark.ctime_ns === String(stat.ctimeNs)
  );
}

/**
 * Whether the bytes before `position` are still those that were read. Growth is vouched for by the first and the last
 * 4 KiB of them; a file that changed without growing, or appears on another device, is read again whole and compared
 * (2 GB/s), since a rewrite in place can keep size, time and both ends.
 */
export async function isSameFile(
  handle: FileHandle,
  stat: BigIntStats,
  mark: FileMark,
  position: LinePosition,
): Promise<boolean> {
  const { offset } = position;
  if (mark.inode !== String(stat.ino) || Number(stat.size) < offset) return false;
  if (isUntouched(mark, stat)) return true;
  if ((await hashRange(handle, 0, Math.min(PROBE_BYTES, offset))) !== mark.head_hash) return false;
  if ((await hashRange(handle, Math.max(0, offset - PROBE_BYTES), offset)) !== mark.tail_hash) return false;
  const grew = Number(stat.size) > mark.size && mark.device === String(stat.dev);
  return grew || (await crcOfPrefix(handle, offset)) === position.prefix_crc32;
}

async function hashRange(handle: FileHandle, from: number, to: number): Promise<string> {
  const buffer = await readRange(handle, from, to - from);
  return hash('sha256', buffer, 'hex').slice(0, 32);
}

async function crcOfPrefix(handle: FileHandle, bytes: number): Promise<number> {
  let crc = 0;
  for (let at = 0; at < bytes; at += CHUNK_BYTES) {
    crc = crc32(await readRange(handle, at, Math.min(CHUNK_BYTES, bytes - at)), crc);
  }
  return crc;
}

/** `length` bytes at `from`; fewer where the file ends before. */
export async function readRange(handle: FileHandle, from: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, from + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
