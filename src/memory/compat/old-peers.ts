/**
 * ai-memory in a running process: the listener, and for each configured peer what is pushed to it and pulled from it. One
 * database of the shim's own, one loop for the listener and at most two for a peer; each fails and restarts by itself.
 */
import type { PassResult } from '../../engine/pass.ts';
import { defaultRetryPolicy } from '../../engine/retry.ts';
import type { Loop } from '../../engine/supervisor.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Random } from '../../platform/random.ts';
import type { Timers } from '../../platform/timers.ts';
import type { Redactor } from '../../redaction/redactor.ts';
import { Database } from '../../storage/sqlite/database.ts';
import type { Memories } from '../memories.ts';
import type { ClientCertificates } from './client-certificates.ts';
import { KeyDirectory, formatPublicKey } from './key-directory.ts';
import { listenForOldPeers } from './listener.ts';
import type { PreviewedPush } from './old-peer-delivery.ts';
import { OldPeer, type OldPeerConfig, type OldPeerStatus } from './old-peer.ts';
import { STRICT_POLICY, migrateCompat, openCompat, type Compat } from './open-compat.ts';
import { PeerAttestation } from './peer-attestation.ts';
import { sharingOf } from './sharing.ts';

export interface OldPeersListen {
  host: string;
  port: number;
  /** PEM; read when the port is opened. */
  tls: (() => { cert: string; key: string }) | null;
  client_certificates: (() => ClientCertificates) | null;
  api_key: string | null;
}

export interface OldPeersOptions {
  memories: Memories;
  database: string;
  redactor: Redactor;
  clock: Clock;
  random: Random;
  timers: Timers;
  /** Our id on this wire. */
  agent_id: string;
  version: string;
  keys_folder: string;
  peers: readonly OldPeerConfig[];
  /** Null: nobody is listened to. */
  listen: OldPeersListen | null;
  pull_every_ms: number;
  onDefect: (error: unknown) => void;
}

/** How often it is looked whether what had to wait can be done, and how long a loop sleeps without news. */
const TEND_MS = 30_000;
const IDLE_MS = 60_000;

export class OldPeers {
  /** With which peers check what we sign. */
  readonly public_key: string;
  readonly #options: OldPeersOptions;
  readonly #db: Database;
  readonly #compat: Compat;
  readonly #peers: readonly OldPeer[];
  #port: number | null = null;

  /** @throws InvalidInputError `memory.key`, ForbiddenError `memory.key_mode`, UsageError `destination.url` */
  constructor(options: OldPeersOptions) {
    this.#options = options;
    const keys = new KeyDirectory(options.keys_folder);
    const signing_key = keys.signingKeyOf(options.agent_id) ?? keys.write(options.agent_id, options.random.bytes(32));
    this.public_key = formatPublicKey(signing_key.public_key);
    for (const { agent_id, public_key } of options.peers) if (public_key !== null) keys.enroll(agent_id, public_key);
    this.#db = new Database(options.database);
    try {
      migrateCompat(this.#db, options.clock.now_ms());
      this.#compat = openShim(options, this.#db, (peer_id) => this.#isPaused(peer_id));
      const parts = { ...options, db: this.#db, receiver: this.#compat.receiver, signing_key };
      this.#peers = options.peers.map((peer) => new OldPeer({ ...parts, peer, retry: defaultRetryPolicy }));
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  /** The port that peers reach; null while it is closed. */
  get port(): number | null {
    return this.#port;
  }

  /** One for the listener, and for each peer that has an address one to push and one to pull, as far as it may. */
  loops(): Loop[] {
    const { listen } = this.#options;
    for (const peer of this.#peers) peer.tryNow();
    return [
      ...(listen ? [{ name: 'ai-memory listener', run: (signal: AbortSignal) => this.#listen(listen, signal) }] : []),
      { name: 'ai-memory upkeep', run: (signal) => this.#tend(signal) },
      ...this.#peers.flatMap((peer) => [
        ...(peer.pushes ? [{ name: `ai-memory push ${peer.name}`, run: (s: AbortSignal) => this.#push(peer, s) }] : []),
        ...(peer.pulls ? [{ name: `ai-memory pull ${peer.name}`, run: (s: AbortSignal) => this.#pull(peer, s) }] : []),
      ]),
    ];
  }

  status(): OldPeerStatus[] {
    return this.#peers.map((peer) => peer.status());
  }

  /** For a `flush`: one for each peer that is pushed to. */
  deliveries(): { pass: (signal: AbortSignal) => Promise<PassResult> }[] {
    return this.#peers.filter(({ pushes }) => pushes).map((peer) => ({ pass: (signal) => peer.push(signal) }));
  }

  /** Whether anything may leave at all: pushed, or as an answer. */
  get sharesAnything(): boolean {
    return this.#options.peers.some(({ send }) => send.length > 0);
  }

  /** Something changed that is no commit: peers are looked at now. */
  wake(): void {
    for (const { news } of this.#peers) news.notify();
  }

  /** Bodies that would leave next, at most `limit` for each peer. */
  async preview(limit: number): Promise<{ peer: string; pushes: PreviewedPush[] }[]> {
    const previews: { peer: string; pushes: PreviewedPush[] }[] = [];
    for (const { name, delivery } of this.#peers)
      if (delivery) previews.push({ peer: name, pushes: await delivery.preview(limit) });
    return previews;
  }

  /** Durable; when it has returned nothing leaves to the peer any more, also not as an answer. */
  async pause(name: string, until_ms: number | null): Promise<void> {
    await this.#named(name)?.pause(until_ms);
  }

  resume(name: string): void {
    this.#named(name)?.resume();
  }

  async close(): Promise<void> {
    for (const peer of this.#peers) await peer.close();
    this.#db.close();
  }

  #named(name: string): OldPeer | undefined {
    return this.#peers.find((peer) => peer.name === name);
  }

  #isPaused(agent_id: string): boolean {
    return this.#peers.some((peer) => peer.agent_id === agent_id && peer.isPaused());
  }

  async #listen({ host, port, tls, client_certificates }: OldPeersListen, signal: AbortSignal): Promise<void> {
    const listener = await listenForOldPeers({
      ...{ app: this.#compat.app, host, port },
      ...(tls ? { tls: tls() } : {}),
      ...(client_certificates ? { client_certificates: client_certificates() } : {}),
    });
    this.#port = listener.port;
    try {
      await aborted(signal);
    } finally {
      this.#port = null;
      await listener.stop();
    }
  }

  async #tend(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#compat.receiver.tend();
      await this.#options.timers.sleep(TEND_MS, signal);
    }
  }

  async #push(peer: OldPeer, signal: AbortSignal): Promise<void> {
    const { memories, clock, timers } = this.#options;
    const stop = memories.replica.onCommit(() => peer.news.notify());
    try {
      while (!signal.aborted) {
        const { next_due_ms } = await peer.push(signal);
        const wait_ms = next_due_ms === null ? IDLE_MS : Math.max(0, next_due_ms - clock.now_ms());
        await peer.news.wait(Math.min(IDLE_MS, wait_ms), timers, signal);
      }
    } finally {
      stop();
    }
  }

  async #pull(peer: OldPeer, signal: AbortSignal): Promise<void> {
    const { clock, timers, pull_every_ms } = this.#options;
    while (!signal.aborted) {
      const due_ms = await peer.pull(signal);
      const wait_ms = due_ms === null ? pull_every_ms : Math.max(0, due_ms - clock.now_ms());
      await timers.sleep(wait_ms, signal);
    }
  }
}

function openShim(options: OldPeersOptions, db: Database, isPaused: (peer_id: string) => boolean): Compat {
  const { memories, clock, redactor, agent_id, version, keys_folder, listen, onDefect } = options;
  return openCompat({
    ...{ memories, db, clock, redactor, agent_id, version, keys_folder, isPaused, onDefect },
    api_key: listen?.api_key ?? null,
    policy: STRICT_POLICY,
    attestation: PeerAttestation.of(
      options.peers.map((peer) => ({ ...peer, sharing: sharingOf(peer.send, peer.unscoped) })),
    ),
    unlisted: null,
    member: memories.replica.identity().member,
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
