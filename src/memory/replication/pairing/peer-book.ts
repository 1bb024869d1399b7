/**
 * The paired members of this machine: a file that the daemon and the command line both know. Pairing and removing write
 * it; the daemon looks at it again when it has changed.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { InvalidInputError, UsageError } from '../../../platform/errors.ts';
import { writeDurably } from '../../../platform/write-file.ts';
import type { MemberId } from '../../origin.ts';
import { memberIdOf } from './member-key.ts';

const FILE = 'memory-peers.json';

const entry = z.object({
  name: z.string().min(1).max(128),
  /** SHA-256 of its public key. */
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
  /** Where it listens; null: it dials us. */
  url: z.string().max(512).nullable(),
  added_ms: z.int().min(0),
  /** Nothing is said to it; `until_ms` null: until it is resumed. */
  paused: z.object({ until_ms: z.int().nullable() }).optional(),
});
const book = z.object({
  peers: z.array(entry).max(1000),
  /** Ids of members that were taken out: their old operations hold up no purge. */
  removed: z.array(z.string().regex(/^[a-z0-9]{1,48}$/)).max(10_000),
});

export interface PairedPeer {
  member: MemberId;
  name: string;
  fingerprint: string;
  url: string | null;
  added_ms: number;
  paused?: Pause | undefined;
}

/** `until_ms` null: until somebody resumes it. */
export interface Pause {
  until_ms: number | null;
}

/** The pause of a member that holds at this time; null: it is spoken to. */
export function pauseOf({ paused }: Pick<PairedPeer, 'paused'>, now_ms: number): Pause | null {
  return paused && (paused.until_ms === null || paused.until_ms > now_ms) ? paused : null;
}

type Content = z.infer<typeof book>;

export class PeerBook {
  readonly #file: string;
  #stamp = '';
  #content: Content = { peers: [], removed: [] };
  /** Those of the content with their ids, which every request asks for. */
  #peers: { of: Content['peers']; with_ids: PairedPeer[] } | null = null;

  /** `keys_dir`: whom we trust lies beside what proves who we are, under the same permissions. */
  constructor(keys_dir: string) {
    this.#file = join(keys_dir, FILE);
  }

  /** Changes when the file did. */
  get stamp(): string {
    const found = statSync(this.#file, { throwIfNoEntry: false });
    return found ? `${found.mtimeMs} ${found.size} ${found.ino}` : 'none';
  }

  /** @throws InvalidInputError `memory.peer_book` */
  peers(): readonly PairedPeer[] {
    const { peers } = this.#read();
    if (this.#peers?.of !== peers)
      this.#peers = { of: peers, with_ids: peers.map((peer) => ({ ...peer, member: memberIdOf(peer.fingerprint) })) };
    return this.#peers.with_ids;
  }

  removed(): MemberId[] {
    return [...this.#read().removed];
  }

  byFingerprint(fingerprint: string): PairedPeer | null {
    return this.peers().find((peer) => peer.fingerprint === fingerprint) ?? null;
  }

  /**
   * Adds a member, or takes its new name and address.
   * @throws UsageError `memory.peer_name` when another one has the name or the id, `memory.peer_url`
   */
  add(peer: Omit<PairedPeer, 'member'>): PairedPeer {
    const member = memberIdOf(peer.fingerprint);
    checkPeerUrl(peer.url);
    const content = this.#read();
    const others = content.peers.filter(({ fingerprint }) => fingerprint !== peer.fingerprint);
    if (others.some(({ name, fingerprint }) => name === peer.name || memberIdOf(fingerprint) === member))
      throw new UsageError('memory.peer_name', `Another paired member is called ${JSON.stringify(peer.name)}`, {
        hint: 'Give this one another name with --name.',
        field: '--name',
      });
    const removed = content.removed.filter((id) => id !== member);
    this.#write({ peers: [...others, { ...peer }], removed });
    return { ...peer, member };
  }

  /** By name or id. @throws UsageError `memory.peer_unknown` */
  remove(name_or_id: string): PairedPeer {
    const found = this.#find(name_or_id);
    const content = this.#read();
    const peers = content.peers.filter(({ fingerprint }) => fingerprint !== found.fingerprint);
    this.#write({ peers, removed: [...new Set([...content.removed, found.member])] });
    return found;
  }

  #find(name_or_id: string): PairedPeer {
    const found = this.peers().find(({ name, member }) => name === name_or_id || member === name_or_id);
    if (found) return found;
    throw new UsageError('memory.peer_unknown', 'No paired member has this name or id', {
      hint: 'See: syncline memory peers list',
    });
  }

  /** On disk when it returns. `null`: it is spoken to again. @throws UsageError `memory.peer_unknown` */
  setPause(name_or_id: string, pause: Pause | null): void {
    const { fingerprint } = this.#find(name_or_id);
    const content = this.#read();
    const peers = content.peers.map((peer) =>
      peer.fingerprint === fingerprint ? { ...peer, paused: pause ?? undefined } : peer,
    );
    this.#write({ ...content, peers });
  }

  #read(): Content {
    const { stamp } = this;
    if (stamp === this.#stamp) return this.#content;
    if (stamp === 'none') return { peers: [], removed: [] };
    const parsed = book.safeParse(parseJson(readFileSync(this.#file, 'utf8')));
    if (!parsed.success)
      throw new InvalidInputError('memory.peer_book', `keys/${FILE} does not have the agreed form`, {
        hint: 'Restore it from a backup, or remove it and pair the members anew.',
        field: parsed.error.issues[0]?.path.join('.') ?? '',
      });
    this.#content = parsed.data;
    this.#stamp = stamp;
    return this.#content;
  }

  #write(content: Content): void {
    writeDurably(this.#file, `${JSON.stringify(content, null, 2)}\n`);
    this.#stamp = '';
  }
}

/** A peer is reached over TLS at a host and port. @throws UsageError `memory.peer_url` */
export function checkPeerUrl(url: string | null): void {
  if (url === null) return;
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed?.protocol === 'https:' && parsed.pathname === '/' && parsed.username === '' && parsed.hash === '') return;
  throw new UsageError('memory.peer_url', 'The address of a member is not of the form https://HOST:PORT', {
    field: 'url',
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
