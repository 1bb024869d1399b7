/**
 * Replication in a running process: the listener, the paired members as the book says, links to those that have an
 * address. What the command line changes in the book is taken up within seconds.
 */
import type { Clock } from '../../platform/clock.ts';
import { ForbiddenError, SynclineError } from '../../platform/errors.ts';
import type { Random } from '../../platform/random.ts';
import type { Timers } from '../../platform/timers.ts';
import type { MemberId } from '../origin.ts';
import type { Replica } from '../replica.ts';
import { httpsTransport } from './https/client.ts';
import { startPeerListener, type PeerListener } from './https/server.ts';
import type { Alarm } from './members.ts';
import { InvitationFile, acceptPairing } from './pairing/invitation.ts';
import { openMemberCertificate, type MemberCertificate } from './pairing/member-key.ts';
import { PeerBook, pauseOf, type PairedPeer } from './pairing/peer-book.ts';
import { Replication } from './replication.ts';
import type { ReplicationStatus } from './replication-status.ts';
import type { ReplicationSettings } from './settings.ts';
import type { PeerTransport } from './transport.ts';

/** What the configuration says of a peer that is paired. */
export interface ConfiguredPeer {
  name: string;
  /** Instead of the address that pairing gave. */
  url?: string | undefined;
  /** `out`: it is not dialled; it dials us. */
  dial: 'out' | 'both';
}

export interface PeerServiceOptions {
  replica: Replica;
  /** Where the member's key, the book and the invitation lie. */
  keys_dir: string;
  device: string;
  program: string;
  clock: Clock;
  timers: Timers;
  random: Random;
  /** Null: no port is opened; this member only dials out. */
  listen: { host: string; port: number } | null;
  configured?: readonly ConfiguredPeer[];
  settings?: Partial<ReplicationSettings>;
  onAlarm: (alarm: Alarm) => void;
  onDefect: (error: unknown) => void;
}

const WATCH_MS = 2000;

interface Dialled {
  /** What the transport was made of. */
  stamp: string;
  transport: (PeerTransport & { close(): Promise<void> }) | null;
}

export class PeerService {
  readonly replication: Replication;
  readonly book: PeerBook;
  readonly #options: PeerServiceOptions;
  readonly #dialled = new Map<MemberId, Dialled>();
  #listener: PeerListener | null = null;
  #runs = false;
  /** What is being taken up from the book, one change after the other. */
  #taking: Promise<void> = Promise.resolve();
  #own: MemberCertificate | null = null;

  constructor(options: PeerServiceOptions) {
    const { replica, device, program, clock, timers, random, settings, onAlarm, onDefect } = options;
    this.#options = options;
    this.book = new PeerBook(options.keys_dir);
    this.replication = new Replication({
      ...{ replica, device, program, clock, timers, random, onDefect },
      ...(settings ? { settings } : {}),
      alarm: onAlarm,
    });
    this.replication.forget(this.book.removed());
    for (const peer of this.book.peers()) this.replication.setPeer({ ...peer, transport: null });
  }

  /** The port of the peers' listener; null while it is closed. */
  get port(): number | null {
    return this.#listener?.port ?? null;
  }

  /**
   * Runs until the signal aborts: a loop of the supervisor.
   * @throws UnreachableError `listen.port_taken`, `listen.failed`; InvalidInputError `memory.member_key`, `memory.peer_book`
   */
  async run(signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const until = AbortSignal.any([signal, ended.signal]);
    const running = this.replication.run(until);
    this.#runs = true;
    try {
      if (this.#options.listen) await this.#listen(this.#options.listen);
      await Promise.race([running, this.#watch(until)]);
    } finally {
      this.#runs = false;
      ended.abort('ended');
      await running;
      await this.#listener?.stop();
      this.#listener = null;
      for (const { transport } of this.#dialled.values()) await transport?.close();
      this.#dialled.clear();
    }
  }

  /**
   * Nothing is said to a member any more, nor answered, from the moment when this returns until it is resumed or the time has come;
   * also over restarts. What it lacks waits in the log. @throws UsageError `memory.peer_unknown`
   */
  async pause(name: string, until_ms: number | null): Promise<void> {
    this.book.setPause(name, { until_ms });
    await this.#takeUp();
  }

  /** @throws UsageError `memory.peer_unknown` */
  async resume(name: string): Promise<void> {
    this.book.setPause(name, null);
    await this.#takeUp();
  }

  status(): ReplicationStatus {
    const status = this.replication.status();
    const now_ms = this.#options.clock.now_ms();
    const paused = new Map(this.book.peers().map((peer) => [peer.member, pauseOf(peer, now_ms)]));
    return { ...status, peers: status.peers.map((peer) => ({ ...peer, paused: paused.get(peer.member) ?? null })) };
  }

  async #listen({ host, port }: { host: string; port: number }): Promise<void> {
    const { keys_dir, timers, clock, onDefect } = this.#options;
    const own = await this.#certificate();
    const file = new InvitationFile(keys_dir, clock);
    this.#listener = await startPeerListener({
      host,
      port,
      own,
      timers,
      memberOf: (fingerprint) => this.#memberOf(fingerprint),
      answer: async (member, ...asked) => {
        this.#requireSpoken(member);
        const answer = await this.replication.answer(member, ...asked);
        // It may have waited for long, and the member been taken out or paused meanwhile.
        this.#requireSpoken(member);
        return answer;
      },
      pair: async (fingerprint, body) => {
        const { book } = this;
        const reply = acceptPairing({ file, book, own_fingerprint: own.fingerprint, clock }, fingerprint, body);
        await this.#takeUp();
        return reply;
      },
      onDefect,
    });
  }

  /** @throws ForbiddenError `memory.not_paired`; SynclineError `memory.paused` */
  #requireSpoken(member: MemberId): void {
    const peer = this.book.peers().find((known) => known.member === member);
    if (!peer) throw new ForbiddenError('memory.not_paired', 'This member does not know you');
    if (this.#isPaused(peer)) throw new SynclineError('memory.paused', 'Sharing is paused at this member');
  }

  #isPaused(peer: PairedPeer): boolean {
    return pauseOf(peer, this.#options.clock.now_ms()) !== null;
  }

  /** Whoever is in the book, the moment he is: the joiner speaks at once. */
  #memberOf(fingerprint: string): MemberId | null {
    const peer = this.book.byFingerprint(fingerprint);
    if (!peer) return null;
    if (!this.replication.isPaired(peer.member)) this.replication.setPeer({ ...peer, transport: null });
    return peer.member;
  }

  async #certificate(): Promise<MemberCertificate> {
    this.#own ??= await openMemberCertificate(this.#options.keys_dir);
    return this.#own;
  }

  async #watch(signal: AbortSignal): Promise<void> {
    let seen: string | null = null;
    while (!signal.aborted) {
      // A pause ends by itself.
      const stamp = [this.book.stamp, ...this.book.peers().map((peer) => this.#isPaused(peer))].join(' ');
      if (stamp !== seen) await this.#takeUp();
      seen = stamp;
      await this.#options.timers.sleep(WATCH_MS, signal);
    }
  }

  /** Brings links in line with the book and the configuration. */
  async #takeUp(): Promise<void> {
    if (!this.#runs) return;
    const taken = this.#taking.then(() => this.#bringInLine());
    this.#taking = taken.catch(() => undefined);
    await taken;
  }

  async #bringInLine(): Promise<void> {
    const peers = this.book.peers();
    for (const peer of peers) await this.#dial(peer);
    for (const [member, { transport }] of [...this.#dialled]) {
      if (peers.some((peer) => peer.member === member)) continue;
      this.replication.removePeer(member);
      this.#dialled.delete(member);
      await transport?.close();
    }
  }

  async #dial(peer: PairedPeer): Promise<void> {
    const url = this.#isPaused(peer) ? null : this.#urlOf(peer);
    const stamp = `${peer.name}\n${url}`;
    const before = this.#dialled.get(peer.member);
    if (before?.stamp === stamp) return;
    const { fingerprint, member, name } = peer;
    const transport = url === null ? null : httpsTransport({ url, fingerprint, own: await this.#certificate() });
    this.#dialled.set(member, { stamp, transport });
    this.replication.setPeer({ member, name, transport });
    await before?.transport?.close();
  }

  #urlOf({ name, url }: PairedPeer): string | null {
    const said = this.#options.configured?.find((peer) => peer.name === name);
    if (said?.dial === 'out') return null;
    return said?.url ?? url;
  }
}
