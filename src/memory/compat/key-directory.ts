import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ForbiddenError, InvalidInputError } from '../../platform/errors.ts';
import { KEY_BYTES, signingKey, type SigningKey } from './ed25519.ts';

/** Who may hold a key: the ids that the dialect knows (memory specification §3.1). */
const AGENT_ID = /^[A-Za-z0-9_\-:@./]{1,128}$/;

/** Room for an ending within the 255 bytes that file systems give a name. */
const MAX_NAME = 240;

/**
 * Ed25519 keys as files: `<agent id>.pub` (0644) and `<agent id>.priv` (0600), 32 raw bytes each, as the original keeps
 * them, so that its folder can be used as it is. A peer is *enrolled* when its public key is here.
 */
export class KeyDirectory {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The key of an enrolled peer or author; null when there is none. @throws InvalidInputError `memory.key` */
  publicKeyOf(agent_id: string): Uint8Array | null {
    return this.#read(agent_id, 'pub');
  }

  /**
   * Our own pair under an id; null when there is none.
   * @throws InvalidInputError `memory.key` when the halves do not belong together; ForbiddenError `memory.key_mode` when
   * others may read the private half
   */
  signingKeyOf(agent_id: string): SigningKey | null {
    const seed = this.#read(agent_id, 'priv');
    if (!seed) return null;
    if ((statSync(this.#path(agent_id, 'priv')).mode & 0o077) !== 0)
      throw new ForbiddenError('memory.key_mode', 'Other users of this machine may read a private key of memory', {
        hint: 'Set its mode to 0600, and make a new key if others can have read it.',
      });
    const pair = signingKey(seed);
    const stored = this.publicKeyOf(agent_id);
    if (stored && Buffer.compare(stored, pair.public_key) !== 0)
      throw new InvalidInputError('memory.key', 'The public and the private key of one id do not belong together', {
        hint: 'Restore both from one backup, or make a new pair.',
      });
    return pair;
  }

  /** Keeps a pair; both files are new or replaced. */
  write(agent_id: string, seed: Uint8Array): SigningKey {
    const pair = signingKey(seed);
    this.#write(agent_id, 'priv', seed, 0o600);
    this.#write(agent_id, 'pub', pair.public_key, 0o644);
    return pair;
  }

  /** Enrolls a peer by the text that its owner handed over: URL-safe Base64 without padding. */
  enroll(agent_id: string, key_text: string): void {
    this.#write(agent_id, 'pub', parsePublicKey(key_text), 0o644);
  }

  #read(agent_id: string, ending: 'pub' | 'priv'): Buffer | null {
    const name = fileName(agent_id, ending);
    if (name === null || !this.#names().includes(name)) return null;
    const bytes = readFileSync(join(this.#folder, name));
    if (bytes.length === KEY_BYTES) return bytes;
    throw new InvalidInputError('memory.key', `A key file has ${bytes.length} bytes, not ${KEY_BYTES}`);
  }

  /** Names as they are spelled: opening a file by name would find `alice.pub` for `ALICE` on some file systems. */
  #names(): string[] {
    try {
      return readdirSync(this.#folder);
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return [];
      throw error;
    }
  }

  #write(agent_id: string, ending: 'pub' | 'priv', bytes: Uint8Array, mode: number): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    writeFileSync(this.#path(agent_id, ending), bytes, { mode });
  }

  #path(agent_id: string, ending: 'pub' | 'priv'): string {
    const name = fileName(agent_id, ending);
    if (name !== null) return join(this.#folder, name);
    throw new InvalidInputError('memory.agent_id', 'An agent id is 1 to 128 letters, digits or _ - : @ . /');
  }
}

export function formatPublicKey(public_key: Uint8Array): string {
  return Buffer.from(public_key).toString('base64url');
}

/** @throws InvalidInputError `memory.key` */
export function parsePublicKey(text: string): Uint8Array {
  const bytes = Buffer.from(text.trim(), 'base64url');
  if (bytes.length !== KEY_BYTES || bytes.toString('base64url') !== text.trim())
    throw new InvalidInputError('memory.key', 'A public key is 43 characters of URL-safe Base64 without padding');
  return bytes;
}

/**
 * The file of an id. An id may hold `/` and `..`, which would lead out of the folder, so those characters are escaped with
 * `%`, which no id holds; plain ids keep the original's name. What would be too long is named by its hash. Null for no id.
 */
function fileName(agent_id: string, ending: string): string | null {
  if (!AGENT_ID.test(agent_id)) return null;
  const escaped = agent_id.replaceAll('/', '%2F').replace(/^\./, '%2E');
  const name = escaped.length <= MAX_NAME ? escaped : `%${createHash('sha256').update(agent_id).digest('hex')}`;
  return `${name}.${ending}`;
}
