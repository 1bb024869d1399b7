import { createHash } from 'node:crypto';
import type { Clock } from '../../platform/clock.ts';
import type { Random } from '../../platform/random.ts';
import type { Caller } from './scope.ts';

/** Time to click a link. */
const KEY_TTL_MS = 10 * 60_000;
const SESSION_TTL_MS = 30 * 24 * 3_600_000;
/** Beyond these the oldest is forgotten. */
const MAX_KEYS = 100;
const MAX_SESSIONS = 1000;

interface Entry {
  caller: Caller;
  until_ms: number;
}

/**
 * Browser sign-in (R8): a link carries a key that works once; it is exchanged for a cookie that may only read. Both live
 * in memory as hashes and end with the process, so that no file can be copied to become somebody.
 */
export class SignIn {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #keys = new Map<string, Entry>();
  readonly #sessions = new Map<string, Entry>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** A key for one link; its bearer becomes a reader of `caller`'s team. */
  issueKey(caller: Omit<Caller, 'scopes'>): string {
    return this.#add(this.#keys, { ...caller, scopes: new Set(['read']) }, KEY_TTL_MS, MAX_KEYS);
  }

  /** Exchanges a key for a cookie's value; null when it is unknown, used or too old. */
  redeem(key: string): string | null {
    const entry = this.#find(this.#keys, key);
    if (!entry) return null;
    this.#keys.delete(digest(key));
    return this.#add(this.#sessions, entry.caller, SESSION_TTL_MS, MAX_SESSIONS);
  }

  authenticate(cookie: string): Caller | null {
    return this.#find(this.#sessions, cookie)?.caller ?? null;
  }

  #add(entries: Map<string, Entry>, caller: Caller, ttl_ms: number, max: number): string {
    const [oldest] = entries.keys();
    if (entries.size >= max && oldest !== undefined) entries.delete(oldest);
    const secret = Buffer.from(this.#random.bytes(32)).toString('base64url');
    entries.set(digest(secret), { caller, until_ms: this.#clock.now_ms() + ttl_ms });
    return secret;
  }

  /** Looked up by hash: the time a look-up takes tells nothing about the secret. */
  #find(entries: Map<string, Entry>, secret: string): Entry | null {
    const entry = entries.get(digest(secret));
    if (!entry || entry.until_ms < this.#clock.now_ms()) return null;
    return entry;
  }
}

function digest(secret: string): string {
  return createHash('sha256').update(secret).digest('base64');
}
