import type { Readable } from 'node:stream';
import type { Timers } from '../../platform/timers.ts';
import type { JsonValue } from '../../redaction/json.ts';
import type { Payload } from './payload.ts';

export interface InputLimits {
  /** No more is read (R9: 1 MiB). */
  max_bytes: number;
  /** Silence on stdin after which the hook goes on with what it has. */
  max_idle_ms: number;
  /** The end of all patience, also with a writer that trickles. */
  max_total_ms: number;
}

export interface HookInput {
  bytes: number;
  /** Null when stdin held no JSON object. */
  payload: Payload | null;
  /** True when the object did not end within the limits; `payload` then holds the plain members at its beginning. */
  truncated: boolean;
}

/**
 * Reads one JSON object from stdin: until it is complete, the stream ends or a limit is reached. Some agents never close
 * a hook's stdin (agents specification, pitfall 31), so the end of the stream is not waited for.
 */
export async function readInput(stdin: Readable, timers: Timers, limits: InputLimits): Promise<HookInput> {
  const end = new ObjectEnd();
  const chunks: Buffer[] = [];
  let bytes = 0;
  const done = Promise.withResolvers<void>();
  stdin.on('data', (chunk: Buffer) => {
    const part = chunk.subarray(0, limits.max_bytes - bytes);
    chunks.push(part);
    bytes += part.length;
    if (end.feed(part) || bytes >= limits.max_bytes) done.resolve();
  });
  stdin.once('end', done.resolve);
  stdin.once('error', () => done.resolve());
  void losePatience(timers, limits, () => bytes).then(done.resolve);
  await done.promise;
  stdin.pause();
  const input = Buffer.concat(chunks);
  const whole = parseObject(input.subarray(0, end.at ?? input.length).toString('utf8'));
  if (whole !== null) return { bytes, payload: whole, truncated: false };
  return { bytes, payload: parseBeginning(input, end), truncated: true };
}

/** Resolves when nothing has come for `max_idle_ms`, or after `max_total_ms`; its timers may outlive the reading. */
async function losePatience(timers: Timers, limits: InputLimits, bytesRead: () => number): Promise<void> {
  const tick_ms = limits.max_idle_ms / 3;
  let seen = 0;
  for (let total_ms = 0, idle_ms = 0; total_ms < limits.max_total_ms && idle_ms < limits.max_idle_ms;) {
    await timers.sleep(tick_ms);
    total_ms += tick_ms;
    idle_ms = bytesRead() === seen ? idle_ms + tick_ms : 0;
    seen = bytesRead();
  }
}

/** Finds where the first JSON value that is an object or array ends, byte by byte, over any chunking. */
class ObjectEnd {
  /** Offset after the closing bracket, once seen. */
  at: number | null = null;
  /** Offset of the first bracket inside the object: before it all members are plain. */
  first_nested: number | null = null;
  #offset = 0;
  #depth = 0;
  #string = false;
  #escaped = false;

  /** True once the value is complete. */
  feed(chunk: Buffer): boolean {
    for (let i = 0; this.at === null && i < chunk.length; i++, this.#offset++) this.#byte(chunk[i] ?? 0);
    return this.at !== null;
  }

  #byte(byte: number): void {
    if (this.#string) {
      if (this.#escaped) this.#escaped = false;
      else if (byte === 0x5c) this.#escaped = true;
      else if (byte === 0x22) this.#string = false;
    } else if (byte === 0x22) this.#string = true;
    else if (byte === 0x7b || byte === 0x5b) {
      this.#depth++;
      if (this.#depth === 2) this.first_nested ??= this.#offset;
    } else if ((byte === 0x7d || byte === 0x5d) && --this.#depth <= 0) this.at = this.#offset + 1;
  }
}

function parseObject(text: string): Payload | null {
  try {
    const value = JSON.parse(text) as JsonValue;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    // Not JSON: the caller looks for what stands before the cut.
    return null;
  }
}

/** Session, event and tool stand before the big members in every agent's payload: they are kept of one that is too long. */
function parseBeginning(input: Buffer, end: ObjectEnd): Payload | null {
  const plain = input.subarray(0, end.first_nested ?? input.length).toString('utf8');
  const lastComma = end.first_nested === null ? plain.lastIndexOf('",') + 1 : plain.length;
  return parseObject(`${plain.slice(0, lastComma).replace(/,?\s*"[^"\\]{0,200}"\s*:\s*$/, '')}}`);
}
