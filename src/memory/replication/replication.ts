/**
 * Replication of one member: answers peers, keeps a link to each that it can dial, counts who has what. The road and the
 * reasons stand in README.md.
 */
import type { Clock } from '../../platform/clock.ts';
import { UnreachableError } from '../../platform/errors.ts';
import type { Random } from '../../platform/random.ts';
import type { Timers } from '../../platform/timers.ts';
import { isWithin, joinVectors, type MemberId, type VersionVector } from '../origin.ts';
import { CommitBell, standingOf, type ReplicationContext } from './context.ts';
import type { Replica } from '../replica.ts';
import { Members, type Alarm, type Speaker } from './members.ts';
import { writeMessage, writePages, writeRows, type Verb } from './messages.ts';
import { originsLacking, readLacking } from './pages.ts';
import { PeerLink } from './peer-link.ts';
import { QuorumTracker } from './quorum.ts';
import { heardLately, progressOf, type RaisedAlarm, type ReplicationStatus } from './replication-status.ts';
import { readReadToken, writeReadToken, type ReadLevel } from './read-level.ts';
import { Responder } from './responder.ts';
import { DEFAULT_SETTINGS, type ReplicationSettings } from './settings.ts';
import { Spread } from './spread.ts';
import type { Peer } from './transport.ts';
import { upkeep, type UpkeepResult } from './upkeep.ts';

export interface ReplicationOptions {
  replica: Replica;
  clock: Clock;
  timers: Timers;
  random: Random;
  /** Name of this machine, for the other's people. */
  device: string;
  /** Version of this program. */
  program: string;
  settings?: Partial<ReplicationSettings>;
  /** What people must be told at once; also counted. */
  alarm: (alarm: Alarm) => void;
  /** Told of what is no fault of the network or a peer: a full disk, a defect. The link goes on after a wait. */
  onDefect: (error: unknown) => void;
}

export class Replication {
  readonly durability: QuorumTracker;
  readonly #context: ReplicationContext;
  readonly #responder: Responder;
  readonly #links = new Map<MemberId, PeerLink>();
  readonly #peers = new Map<MemberId, Peer>();
  readonly #running = new Map<PeerLink, Promise<void>>();
  #signal: AbortSignal | null = null;
  #last_upkeep: UpkeepResult | null = null;
  readonly #alarms = new Map<Alarm['kind'], RaisedAlarm>();

  constructor(options: ReplicationOptions) {
    const { replica, clock, timers, random, device, program, settings, onDefect } = options;
    const alarm = (raised: Alarm): void => {
      this.#noteAlarm(raised);
      options.alarm(raised);
    };
    const all = { ...DEFAULT_SETTINGS, ...settings };
    const { forget_incarnation_ms } = all;
    const members = new Members({ replica, clock, forget_incarnation_ms, alarm });
    const commits = new CommitBell();
    const reaches = (speaker: Speaker): boolean => [...this.#links.values()].some((link) => link.reaches(speaker));
    const run = Buffer.from(random.bytes(8)).toString('hex');
    const spoke = (member: MemberId, speaker: Speaker): void => this.#links.get(member)?.spoke(speaker);
    const parts = { replica, members, clock, timers, random, device, program, run, alarm, onDefect };
    this.#context = { ...parts, settings: all, commits, reaches, spoke, ahead: { vector: {} } };
    this.#responder = new Responder(this.#context);
    const spread = new Spread(() => this.#links.values(), timers, all.linger_ms);
    this.durability = new QuorumTracker(replica, members, timers, (others) => spread.wanted(others));
    replica.onCommit(() => {
      commits.ring();
      spread.committed();
    });
    replica.useDurability(this.durability);
  }

  /** Adds a paired member, or takes its new address. Its link starts at once when replication runs. */
  setPeer(peer: Peer): void {
    this.#links.get(peer.member)?.remove();
    this.#links.delete(peer.member);
    this.#peers.set(peer.member, peer);
    this.#context.members.pair(peer.member);
    if (!peer.transport) return;
    const link = new PeerLink(this.#context, peer, peer.transport);
    this.#links.set(peer.member, link);
    if (this.#signal) this.#start(link, this.#signal);
  }

  /** It is heard no more, and what it has no longer counts for anything. */
  removePeer(member: MemberId): void {
    this.#links.get(member)?.remove();
    this.#links.delete(member);
    this.#peers.delete(member);
    this.#context.members.remove(member);
  }

  /** Members that were removed before this start: their operations hold up no purge. */
  forget(members: Iterable<MemberId>): void {
    this.#context.members.forget(members);
  }

  isPaired(member: MemberId): boolean {
    return this.#context.members.isPaired(member);
  }

  /** This member included. */
  get members(): number {
    return 1 + this.#peers.size;
  }

  /** Answers a message of a member whom the transport has recognised. Errors: `Responder.answer`. */
  answer(member: MemberId, verb: Verb, body: string, signal: AbortSignal): Promise<string> {
    return this.#responder.answer(member, verb, body, signal);
  }

  /** Runs until the signal aborts: a loop of the supervisor. */
  async run(signal: AbortSignal): Promise<void> {
    const { timers, settings } = this.#context;
    this.#signal = signal;
    for (const link of this.#links.values()) this.#start(link, signal);
    while (!signal.aborted) {
      this.#last_upkeep = await upkeep(this.#context);
      await timers.sleep(settings.upkeep_ms, signal);
    }
    await Promise.all(this.#running.values());
  }

  #start(link: PeerLink, signal: AbortSignal): void {
    if (this.#running.has(link)) return;
    const done = link.run(signal).finally(() => this.#running.delete(link));
    this.#running.set(link, done);
  }

  /**
   * The next message to a peer, byte for byte but for what changes until then; null: it lacks nothing. One that has not spoken
   * since our start may have anything, so what is shown is the beginning of all. Sends nothing.
   */
  async preview(member: MemberId): Promise<{ verb: Verb; items: number; body: string } | null> {
    const { replica, members } = this.#context;
    const known = members.known(member);
    const theirs = known?.standing.vector ?? {};
    const who = { ours: replica.identity().origin, their_origin: known?.standing.origin ?? '' };
    const origins = originsLacking(replica.vector(), theirs, who);
    const { pages, log_too_short } = await readLacking(replica, origins, theirs);
    const standing = standingOf(this.#context, known?.standing ?? null);
    if (pages.length > 0) {
      const { pages: heads, texts } = writePages(pages);
      return { verb: 'push', items: texts.length, body: writeMessage(standing, { pages: heads }, texts) };
    }
    if (!log_too_short) return null;
    const { rows, texts } = writeRows((await replica.snapshot('')).rows);
    return { verb: 'seed', items: texts.length, body: writeMessage(standing, { rows }, texts) };
  }

  /** What a caller gives with the next read to see at least this. */
  readToken(): string {
    return writeReadToken(this.#context.replica.vector());
  }

  /**
   * Resolves when a read of this member is as fresh as wanted.
   * @throws UnreachableError `memory.behind` when it is not within the deadline; InvalidInputError `memory.read_token`
   */
  async readBarrier(level: ReadLevel, deadline_ms: number, signal: AbortSignal): Promise<void> {
    if (level.level === 'local') return;
    const { timers } = this.#context;
    const over = new AbortController();
    const until = AbortSignal.any([signal, over.signal]);
    void timers.sleep(deadline_ms, until).then(() => over.abort('over'));
    try {
      const wanted =
        level.level === 'session' ? readReadToken(level.token) : await this.#vectorOfMany(level.members, until);
      await this.#reach(wanted, until);
    } finally {
      over.abort('over');
    }
  }

  /** What so many members have now, ourselves counted. */
  async #vectorOfMany(members: number, signal: AbortSignal): Promise<VersionVector> {
    const enough = new AbortController();
    let heard = 1;
    let joined = this.#context.replica.vector();
    if (heard >= members) return joined;
    const asked = [...this.#links.values()].map(async ({ conversation, member }) => {
      await conversation.greet(AbortSignal.any([signal, enough.signal]));
      joined = joinVectors(joined, this.#context.members.vectorOf(member));
      if (++heard >= members) enough.abort('enough');
    });
    await Promise.allSettled(asked);
    if (heard < members) throw behind(`${heard} of ${members} members answered`);
    return joined;
  }

  async #reach(wanted: VersionVector, signal: AbortSignal): Promise<void> {
    const { replica, commits, timers } = this.#context;
    while (!isWithin(wanted, replica.vector())) {
      if (signal.aborted) throw behind('this member does not have yet what the read must see');
      await commits.wait(1000, timers, signal);
    }
  }

  status(): ReplicationStatus {
    const { replica } = this.#context;
    const { member, origin } = replica.identity();
    return {
      ...{ running: this.#signal?.aborted === false, member, origin, members: this.members },
      peers: [...this.#peers.values()].map((peer) => ({
        member: peer.member,
        name: peer.name,
        link: this.#links.get(peer.member)?.status() ?? null,
        ...progressOf(this.#context, peer.member),
      })),
      waiting_writes: this.durability.waiting,
      reachable: 1 + heardLately(this.#context),
      parked: replica.parkedNow(),
      damaged: replica.damaged().length,
      alarms: [...this.#alarms.values()],
      last_upkeep: this.#last_upkeep,
    };
  }

  #noteAlarm(alarm: Alarm): void {
    const peer = this.#peers.get(alarm.member)?.name ?? alarm.member;
    const before = this.#alarms.get(alarm.kind)?.count ?? 0;
    this.#alarms.set(alarm.kind, { kind: alarm.kind, peer, count: before + 1, at_ms: this.#context.clock.now_ms() });
  }
}

function behind(why: string): UnreachableError {
  return new UnreachableError('memory.behind', `The read is not as fresh as wanted: ${why}`, {
    hint: 'Try again shortly, or read what is on this machine (read level local).',
  });
}
