/**
 * Our way to one peer that we can dial: greets it, sends what it lacks, fetches what we lack while it cannot reach us,
 * compares roots. Holds nothing that a crash could lose: what the peer has, it says itself (README "Why beside ordered
 * delivery").
 */
import { backoff_ms } from '../../engine/retry.ts';
import { Wakeup } from '../../engine/wakeup.ts';
import { messageOf } from '../../platform/errors.ts';
import { memberOf, type MemberId, type OriginId, type VersionVector } from '../origin.ts';
import { standingOf, type ReplicationContext } from './context.ts';
import { Conversation, ExchangeError, type PreparedPush } from './conversation.ts';
import { HeldOrigins } from './held-origins.ts';
import type { KnownMember, Speaker } from './members.ts';
import type { PageAck, RowKey, Standing } from './messages.ts';
import { WIRE_LIMITS } from './limits.ts';
import { originsLacking, readLacking } from './pages.ts';
import { reconcile } from './reconcile.ts';
import { RelayDelay } from './relay-delay.ts';
import type { Told } from './spread.ts';
import { SnapshotTransfer } from './snapshot-transfer.ts';
import { nextPeerState, type PeerEvent, type PeerState } from './states.ts';
import type { Peer, PeerTransport } from './transport.ts';

export interface PeerLinkStatus {
  state: PeerState;
  since_ms: number;
  last_error: string | null;
  /** Rows that anti-entropy repaired since the start. */
  repaired: number;
  /** Origins of which the peer parked an operation. */
  held: { origin: OriginId; sequence: number; reason: string }[];
}

/** `told`: the peer has all that there was when the push was read; what came since goes when somebody wants it, or a little later. */
type Step = 'went_on' | 'told' | 'idle';

/** Of so many pushes, the last ones counting most. */
const PUSHES_AVERAGED = 8;

export class PeerLink implements Told {
  readonly member: MemberId;
  readonly #context: ReplicationContext;
  readonly #peer: Peer;
  readonly #said: Conversation;
  readonly #wakeup = new Wakeup();
  readonly #pull_wakeup = new Wakeup();
  readonly #held: HeldOrigins;
  readonly #not_taken: HeldOrigins;
  readonly #relay: RelayDelay;
  readonly #transfer: SnapshotTransfer;
  readonly #ended = new AbortController();
  #state: PeerState = 'unmet';
  #since_ms: number;
  #failures = 0;
  /** Pushes, one after the other, that were answered and moved nothing. */
  #fruitless = 0;
  #poked = false;
  #rested_at_ms = 0;
  #last_error: string | null = null;
  #dials_us = false;
  #ready: PreparedPush | null = null;
  /** Until it has shown: as if far away. */
  #push_ms = 100;
  /** When the process that we reach last spoke to us by itself; null: never. */
  #spoke_at_ms: number | null = null;
  #repaired = 0;
  #walk_again_ms = 0;
  #mend_again_ms = 0;
  /** The peer stands on another branch of an origin that we have. */
  #forked = false;

  constructor(context: ReplicationContext, peer: Peer, transport: PeerTransport) {
    this.member = peer.member;
    this.#context = context;
    this.#peer = peer;
    this.#held = new HeldOrigins(context.clock, context.settings.parked_retry_ms);
    this.#not_taken = new HeldOrigins(context.clock, context.settings.parked_retry_ms);
    this.#relay = new RelayDelay(context.clock, context.settings.relay_delay_ms);
    this.#since_ms = context.clock.now_ms();
    this.#said = new Conversation(context, peer.member, transport, (theirs) => this.#compareRoots(theirs));
    this.#transfer = new SnapshotTransfer(context, this.#said);
  }

  /** Whether the last exchange came to an answer. */
  get reached(): boolean {
    return this.#state === 'following' || this.#state === 'seeding';
  }

  get push_ms(): number {
    return this.#push_ms;
  }

  /** Whether it came from this process. */
  reaches(speaker: Speaker): boolean {
    return this.reached && this.#said.speaker === speaker;
  }

  /** The peer as this link reaches it. */
  get #known(): KnownMember | null {
    const { speaker } = this.#said;
    return speaker === null ? null : this.#context.members.speaking(speaker);
  }

  get #theirs(): VersionVector {
    return this.#known?.standing.vector ?? {};
  }

  get conversation(): Conversation {
    return this.#said;
  }

  status(): PeerLinkStatus {
    return {
      state: this.#state,
      since_ms: this.#since_ms,
      last_error: this.#last_error,
      repaired: this.#repaired,
      held: this.#held.list(),
    };
  }

  /** There may be something new to send. */
  notify(): void {
    this.#wakeup.notify();
  }

  /** The peer spoke to us by itself: it is worth trying now, but not at each word it says. */
  spoke(speaker: Speaker): void {
    if (speaker === this.#said.speaker) this.#spoke_at_ms = this.#context.clock.monotonic_ms();
    if (this.reached && !this.#hasSomethingToDo()) return;
    if (!this.reached && this.#context.clock.monotonic_ms() - this.#rested_at_ms < 1000) return;
    if (!this.reached) this.#poked = true;
    this.#wakeup.notify();
  }

  /** By what the peer just said of itself. */
  #hasSomethingToDo(): boolean {
    const { replica, members } = this.#context;
    if (replica.damaged().length > 0 || members.agreementWith(this.member).diverged_since_ms !== null) return true;
    const known = this.#known;
    return known === null || this.#lackedBy(known, replica.vector()).length > 0;
  }

  remove(): void {
    this.#step('removed');
    this.#ended.abort('removed');
  }

  /** Until `signal` aborts or the peer is removed. */
  async run(signal: AbortSignal): Promise<void> {
    const until = AbortSignal.any([signal, this.#ended.signal]);
    await Promise.all([this.#sendLoop(until), this.#pullLoop(until)]);
  }

  async #sendLoop(signal: AbortSignal): Promise<void> {
    const { timers, settings } = this.#context;
    while (!signal.aborted) {
      try {
        const step = await this.#send(signal);
        if (step === 'told') await this.#wakeup.wait(settings.linger_ms, timers, signal);
        if (step === 'idle') await this.#wakeup.wait(this.#relay.wait_ms(settings.greet_ms), timers, signal);
        if (step === 'idle' && this.#isSilent()) await this.#greet(signal);
      } catch (error) {
        if (signal.aborted) return;
        await this.#rest(error, signal);
      }
    }
  }

  /** One exchange, if there is anything to say. */
  async #send(signal: AbortSignal): Promise<Step> {
    if (this.#state === 'unmet') return this.#greet(signal);
    if (this.#state === 'seeding') return this.#seed(signal);
    const { replica } = this.#context;
    const known = this.#known;
    if (!known) return this.#greet(signal);
    const mine = replica.vector();
    const theirs = known.standing.vector;
    const relayed = this.#relay.due(this.#lackedBy(known, mine), replica.identity().origin, mine, known);
    if (relayed.must_ask_first) return this.#greet(signal);
    if (relayed.origins.length === 0) return (await this.#mend(signal)) || this.#reconcileIfDiverged(signal);
    const ready = this.#takeReady(relayed.origins, theirs);
    if (ready) return this.#push(ready, relayed.origins, mine, signal);
    const { pages, log_too_short } = await readLacking(replica, relayed.origins, theirs);
    if (pages.length > 0) return this.#push(await this.#said.prepare(pages), relayed.origins, mine, signal);
    if (log_too_short) this.#step('log_too_short');
    return log_too_short ? 'went_on' : 'idle';
  }

  /** What it lacks, but of what it put aside. */
  #lackedBy({ standing: { origin: their_origin, vector: theirs } }: KnownMember, mine: VersionVector): OriginId[] {
    const who = { ours: this.#context.replica.identity().origin, their_origin };
    return originsLacking(mine, theirs, who).filter((origin) => !this.#held.holds(origin, theirs));
  }

  async #greet(signal: AbortSignal): Promise<Step> {
    const catching_up = this.#state !== 'following';
    const greeting = await this.#said.greet(signal);
    const began_to_need_us = this.#dials_us && !greeting.dials;
    this.#dials_us = greeting.dials;
    this.#answered();
    if (catching_up) this.#relay.catchUp();
    if (catching_up || began_to_need_us) this.#pull_wakeup.notify();
    if (greeting.damaged.length > 0) await this.#giveBack(greeting.damaged, signal);
    return 'went_on';
  }

  /** What was damaged there, as it stands here; the peer takes what fits its checksums. */
  async #giveBack(damaged: readonly RowKey[], signal: AbortSignal): Promise<void> {
    const rows = await this.#context.replica.states(damaged);
    if (rows.length > 0) await this.#said.repair(rows, signal);
  }

  /** `mine`: what there was when the push was read. */
  async #push(
    push: PreparedPush,
    origins: readonly OriginId[],
    mine: VersionVector,
    signal: AbortSignal,
  ): Promise<Step> {
    const { clock, replica } = this.#context;
    const before = this.#theirs;
    const began_ms = clock.monotonic_ms();
    const [acks, ready] = await Promise.all([this.#said.push(push, signal), this.#prepareAfter(push, origins, before)]);
    this.#ready = ready;
    this.#push_ms += (clock.monotonic_ms() - began_ms - this.#push_ms) / PUSHES_AVERAGED;
    for (const ack of acks) this.#note(ack);
    const after = this.#theirs;
    if (this.#forked) this.#step('log_too_short');
    const moved =
      this.#forked || acks.some(({ origin, stopped }) => stopped?.why === 'parked' || isFurther(after, before, origin));
    // Nothing moved and nothing says why: ask again later, not at once (R5).
    if (!moved) throw new ExchangeError('memory.no_progress', 'The peer answered but took nothing', false);
    this.#fruitless = 0;
    this.#answered();
    const is_told = origins.every((origin) => (after[origin] ?? 0) >= (mine[origin] ?? 0));
    return is_told && origins.some((origin) => isFurther(replica.vector(), after, origin)) ? 'told' : 'went_on';
  }

  /**
   * While a peer takes one push of a long way to catch up, the next one is read and compressed, as if all of it were taken. Null: there
   * is no more.
   */
  async #prepareAfter(
    { pages }: PreparedPush,
    origins: readonly OriginId[],
    theirs: VersionVector,
  ): Promise<PreparedPush | null> {
    const taken = pages.map(({ origin, first, operations }) => [origin, first + operations.length - 1] as const);
    const next = await readLacking(this.#context.replica, origins, { ...theirs, ...Object.fromEntries(taken) });
    return next.pages.length > 0 ? this.#said.prepare(next.pages) : null;
  }

  /** What was made ready, if the peer took what came before it and wants the same origins still. */
  #takeReady(origins: readonly OriginId[], theirs: VersionVector): PreparedPush | null {
    const ready = this.#ready;
    this.#ready = null;
    const fits = ready?.pages.every(
      ({ origin, first }) => origins.includes(origin) && (theirs[origin] ?? 0) === first - 1,
    );
    return fits === true ? ready : null;
  }

  #note({ origin, stopped }: PageAck): void {
    if (!stopped || stopped.why === 'gap') return;
    if (stopped.why === 'parked') return this.#held.hold(origin, stopped.sequence, stopped.reason);
    if (this.#isForked(origin, stopped.sequence)) this.#forked = true;
  }

  /**
   * Both sides have numbered this origin on, each another way. Of one that is nobody's any more all rows go over instead of the
   * log. Of our own former one what we had was told anew and is gone (`Members.heard`): an answer about it comes late.
   */
  #isForked(origin: OriginId, sequence: number): boolean {
    const { members, replica } = this.#context;
    const own = replica.identity();
    if (memberOf(origin) === own.member && origin !== own.origin) return sequence <= (replica.vector()[origin] ?? 0);
    members.shared(this.member, origin, sequence);
    if (origin !== own.origin) return true;
    throw new ExchangeError(
      'memory.identity_shared',
      'The peer says that it has another operation under a number of ours, and does not show it',
      true,
    );
  }

  /** The log does not reach back to where the peer stands, or not along its branch: it gets all rows instead. */
  async #seed(signal: AbortSignal): Promise<Step> {
    await this.#transfer.give(this.#forked, signal);
    this.#forked = false;
    this.#step('seeded');
    return 'went_on';
  }

  #compareRoots(theirs: Standing): void {
    this.#context.members.compareRoots(this.member, standingOf(this.#context, null), theirs);
  }

  /** Asks for what was damaged here; null: there is nothing to be done now. */
  async #mend(signal: AbortSignal): Promise<Step | null> {
    const { replica, alarm, clock, settings } = this.#context;
    const damaged = replica.damaged();
    if (damaged.length === 0 || clock.monotonic_ms() < this.#mend_again_ms) return null;
    this.#mend_again_ms = clock.monotonic_ms() + settings.upkeep_ms;
    const rows = await replica.mend(await this.#said.states(damaged.slice(0, WIRE_LIMITS.max_rows), signal));
    if (rows > 0) alarm({ kind: 'mended', member: this.member, rows });
    return 'went_on';
  }

  async #reconcileIfDiverged(signal: AbortSignal): Promise<Step> {
    const { replica, members, alarm, clock, settings } = this.#context;
    if (members.agreementWith(this.member).diverged_since_ms === null || clock.monotonic_ms() < this.#walk_again_ms)
      return 'idle';
    const found = await reconcile(replica, {
      digest: (prefixes) => this.#said.digest(prefixes, signal),
      states: (keys) => this.#said.states(keys, signal),
      repair: (rows) => this.#said.repair(rows, signal),
    });
    this.#repaired += found.rows;
    if (found.rows > 0) alarm({ kind: 'diverged', member: this.member, rows: found.rows });
    // What was written moves the vectors; the next answer compares again. Where nothing could be written, people must look.
    if (found.operations > 0) return 'went_on';
    this.#walk_again_ms = clock.monotonic_ms() + settings.upkeep_ms;
    return 'idle';
  }

  async #pullLoop(signal: AbortSignal): Promise<void> {
    const { timers, settings, random, clock } = this.#context;
    let failures = 0;
    while (!signal.aborted) {
      if (!this.reached || !this.#wantsToPull) {
        await this.#pull_wakeup.wait(settings.greet_ms, timers, signal);
        continue;
      }
      try {
        await this.#pull(signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        this.#reportUnlessExpected(error);
        this.#last_error = messageOf(error);
        const until = clock.monotonic_ms() + backoff_ms(settings.retry, ++failures, random);
        await timers.sleep(until - clock.monotonic_ms(), signal);
      }
    }
  }

  /**
   * Not from a peer that reaches us: it sends what we lack by itself, and a pull beside it would bring everything twice. In a
   * conversation that never pauses nobody greets, so what counts is also that it spoke.
   */
  get #wantsToPull(): boolean {
    return this.#peer.pull ?? !(this.#dials_us || this.#spokeLately());
  }

  #spokeLately(): boolean {
    const { clock, settings } = this.#context;
    return this.#spoke_at_ms !== null && clock.monotonic_ms() - this.#spoke_at_ms < 2 * settings.greet_ms;
  }

  async #pull(signal: AbortSignal): Promise<void> {
    const { replica, settings } = this.#context;
    let forked = false;
    const before = replica.vector();
    const except = this.#not_taken.origins(before);
    const { pages, snapshot_needed } = await this.#said.pull({ wait_ms: settings.pull_wait_ms, except }, signal);
    for (const page of pages) {
      const { stopped } = await replica.apply(page);
      if (stopped?.why === 'identity_shared' && this.#isForked(page.origin, stopped.sequence)) forked = true;
      if (stopped?.why === 'parked') this.#not_taken.hold(page.origin, stopped.sequence, stopped.reason);
    }
    if (snapshot_needed || forked) await this.#transfer.fetch(forked, signal);
    const after = replica.vector();
    const moved = pages.some(({ origin }) => isFurther(after, before, origin) || this.#not_taken.has(origin));
    if (pages.length > 0 && !moved) throw new ExchangeError('memory.no_progress', 'What was pulled did not fit', false);
  }

  #isSilent(): boolean {
    const { clock, settings } = this.#context;
    const known = this.#known;
    return this.reached && (!known || clock.monotonic_ms() - known.heard_at_ms >= settings.greet_ms);
  }

  #answered(): void {
    this.#failures = 0;
    this.#last_error = null;
    this.#step('answered');
  }

  /** After a failure: waits, longer each time; a peer that speaks to us ends the wait. */
  async #rest(error: unknown, signal: AbortSignal): Promise<void> {
    const { clock, timers, random, settings } = this.#context;
    const refused = error instanceof ExchangeError && error.refused;
    this.#reportUnlessExpected(error);
    this.#failures++;
    this.#last_error = messageOf(error);
    this.#step(refused ? 'refused' : 'unreached');
    const asked_ms = error instanceof ExchangeError ? (error.retry_after_ms ?? 0) : 0;
    // Greetings between two pushes that moved nothing do not make the next one more promising.
    if (error instanceof ExchangeError && error.code === 'memory.no_progress') this.#fruitless++;
    const failures = refused ? 30 : Math.max(this.#failures, this.#fruitless);
    this.#poked = false;
    const until = clock.monotonic_ms() + Math.max(asked_ms, backoff_ms(settings.retry, failures, random));
    this.#rested_at_ms = clock.monotonic_ms();
    while (!signal.aborted && !this.#poked && clock.monotonic_ms() < until)
      await this.#wakeup.wait(until - clock.monotonic_ms(), timers, signal);
    this.#poked = false;
    if (!signal.aborted) this.#step('due');
  }

  /** What the network and the peer do is in the status; the rest somebody must hear of. */
  #reportUnlessExpected(error: unknown): void {
    if (!(error instanceof ExchangeError)) this.#context.onDefect(error);
  }

  #step(event: PeerEvent): void {
    const next = nextPeerState(this.#state, event);
    if (next !== this.#state) this.#since_ms = this.#context.clock.now_ms();
    this.#state = next;
  }
}

function isFurther(after: VersionVector, before: VersionVector, origin: OriginId): boolean {
  return (after[origin] ?? 0) > (before[origin] ?? 0);
}
