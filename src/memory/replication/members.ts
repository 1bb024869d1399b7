/**
 * Who the other members are and what each said it has. Nothing here is stored: a peer says its vector with every message,
 * and until it has spoken since our start it counts as having nothing (R2), which costs time and never safety.
 */
import type { Clock } from '../../platform/clock.ts';
import { ForbiddenError } from '../../platform/errors.ts';
import {
  covers,
  isWithin,
  meetVectors,
  memberOf,
  operationId,
  placeOf,
  type MemberId,
  type OperationId,
  type OperationPlace,
  type OriginId,
  type VersionVector,
} from '../origin.ts';
import type { Replica } from '../replica.ts';
import { FORGOTTEN, MOST_ASKED, UNSETTLED, type Standing } from './messages.ts';

/** A process of a member in one incarnation: `origin/run`. */
export type Speaker = string;

export function speakerOf({ origin, run }: Pick<Standing, 'origin' | 'run'>): Speaker {
  return `${origin}/${run}`;
}

/** What was said late, by a process that has ended, is no sign of a second machine. */
const LATE_MS = 30_000;
/** A process of the same origin that has been silent for so long has ended; the one after it has its disk. */
const ENDED_MS = 600_000;

/** One process of a member, as it last spoke. */
export interface KnownMember {
  member: MemberId;
  standing: Standing;
  /** Wall time, for people. */
  heard_ms: number;
  /** Of the clock that does not step back. */
  heard_at_ms: number;
}

/** What people must be told at once. */
export type Alarm =
  /** A peer has other operations under numbers of one origin than we do. */
  | { kind: 'identity_shared'; member: MemberId; origin: OriginId; sequence: number }
  /** Two machines speak as one member, in turns. */
  | { kind: 'member_cloned'; member: MemberId; origins: [OriginId, OriginId] }
  /** A peer knew more of our operations than we do, or others: this machine goes on in another origin and told there so many operations anew. */
  | { kind: 'renewed'; member: MemberId; from: OriginId; to: OriginId; told: number }
  | { kind: 'diverged'; member: MemberId; rows: number }
  /** Rows that were damaged here were taken from a peer. */
  | { kind: 'mended'; member: MemberId; rows: number };

/** What comparisons of roots at equal vectors have shown of a member; nothing is stored. */
export interface Agreement {
  /** When roots were last compared; null: never since our start. */
  checked_ms: number | null;
  /** Since when they differed; null = they do not. */
  diverged_since_ms: number | null;
}

export interface MembersOptions {
  replica: Replica;
  clock: Clock;
  forget_incarnation_ms: number;
  alarm: (alarm: Alarm) => void;
}

export class Members {
  readonly #options: MembersOptions;
  readonly #paired = new Set<MemberId>();
  /** Those that were taken out on purpose: their old operations hold up nothing. */
  readonly #removed = new Set<MemberId>();
  readonly #speakers = new Map<Speaker, KnownMember>();
  readonly #current = new Map<MemberId, Speaker>();
  /** Since when another one spoke for the member. */
  readonly #superseded = new Map<Speaker, number>();
  readonly #listeners = new Set<(member: MemberId) => void>();
  /** How far each member was seen to have our operations as they are here, in this incarnation. */
  readonly #confirmed = new Map<MemberId, number>();
  /** How far each process that speaks was seen to have what we wrote, by origin of ours. A vector alone does not say whose it has. */
  readonly #proven = new Map<Speaker, Map<OriginId, number>>();
  /** The same for all, when this process began or this incarnation did. */
  #confirmed_before: number;
  readonly #told_shared = new Set<string>();
  readonly #agreements = new Map<MemberId, Agreement>();
  /** What each process that speaks was seen to have with the very rows that we had. */
  readonly #agreed = new Map<Speaker, VersionVector>();
  #renewing: Promise<void> | null = null;

  constructor(options: MembersOptions) {
    this.#options = options;
    this.#confirmed_before = options.replica.confirmed();
  }

  pair(member: MemberId): void {
    this.#paired.add(member);
    this.#removed.delete(member);
  }

  remove(member: MemberId): void {
    this.#paired.delete(member);
    this.#removed.add(member);
  }

  /** Of members that this one no longer knows but that were taken out on purpose. */
  forget(members: Iterable<MemberId>): void {
    for (const member of members) if (!this.#paired.has(member)) this.#removed.add(member);
  }

  isPaired(member: MemberId): boolean {
    return this.#paired.has(member);
  }

  /** Paired members without ourselves. */
  get paired(): readonly MemberId[] {
    return [...this.#paired];
  }

  /** As it last spoke; null before it has. */
  known(member: MemberId): KnownMember | null {
    const speaker = this.#current.get(member);
    return speaker === undefined ? null : (this.#speakers.get(speaker) ?? null);
  }

  /** What this very process last said; null before it has spoken. */
  speaking(speaker: Speaker): KnownMember | null {
    return this.#speakers.get(speaker) ?? null;
  }

  vectorOf(member: MemberId): VersionVector {
    return this.known(member)?.standing.vector ?? {};
  }

  /**
   * Whether a member has the operation at a place, as far as it has said. Of places of ours that another machine may have
   * filled as well it is counted only where it has shown that it has ours (R1).
   */
  has(member: MemberId, place: OperationPlace): boolean {
    if (!covers(this.vectorOf(member), place)) return false;
    const { replica } = this.#options;
    const mayBeAnothers = place.origin === replica.identity().origin || replica.renewedOrigins().has(place.origin);
    if (!mayBeAnothers) return true;
    const speaker = this.#current.get(member);
    return speaker !== undefined && (this.#proven.get(speaker)?.get(place.origin) ?? 0) >= place.sequence;
  }

  /** Places in former origins of ours of which this process has yet to show that it has our operations there. */
  unproven(standing: Pick<Standing, 'origin' | 'run' | 'vector'>): OperationId[] {
    const proven = this.#proven.get(speakerOf(standing));
    const asks: OperationId[] = [];
    for (const [origin, kept] of this.#options.replica.renewedOrigins()) {
      const most = Math.min(kept, standing.vector[origin] ?? 0);
      if (most > (proven?.get(origin) ?? 0) && asks.length < MOST_ASKED) asks.push(operationId(origin, most));
    }
    return asks;
  }

  /** This process was given all our rows, and counts what we had as its own. */
  given(speaker: Speaker, vector: VersionVector): void {
    const { replica } = this.#options;
    for (const origin of [replica.identity().origin, ...replica.renewedOrigins().keys()])
      this.#prove(speaker, origin, vector[origin] ?? 0);
  }

  #prove(speaker: Speaker, origin: OriginId, sequence: number): void {
    const proven = this.#proven.get(speaker) ?? new Map<OriginId, number>();
    proven.set(origin, Math.max(sequence, proven.get(origin) ?? 0));
    this.#proven.set(speaker, proven);
  }

  /** Called after a member has spoken. */
  onHeard(listener: (member: MemberId) => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Takes note of what a member said about itself. When it knows more of our own operations than we have, this member was
   * set back; when it knows others under our numbers, a copy of this member writes elsewhere. In both cases a new incarnation
   * begins before anything else is written, and before what the member has counts (R6): await it.
   * @throws ForbiddenError `memory.not_paired`, `memory.identity`
   */
  async heard(member: MemberId, standing: Standing): Promise<void> {
    const { clock } = this.#options;
    if (!this.#paired.has(member))
      throw new ForbiddenError('memory.not_paired', 'This member is not paired with that one', {
        hint: 'Pair them: syncline memory invite on one, syncline memory join LINK on the other.',
      });
    if (memberOf(standing.origin) !== member)
      throw new ForbiddenError('memory.identity', 'A member spoke for another one');
    await this.#compare(member, standing);
    this.#noteSpeaker(member, standing);
    this.#speakers.set(speakerOf(standing), {
      member,
      standing,
      heard_ms: clock.now_ms(),
      heard_at_ms: clock.monotonic_ms(),
    });
    if (this.#isAheadOfUs(standing)) await this.#renew(member, this.#commonWith(member));
    for (const listener of this.#listeners) listener(member);
  }

  #noteSpeaker(member: MemberId, standing: Standing): void {
    const { clock, alarm } = this.#options;
    const speaker = speakerOf(standing);
    const before = this.#current.get(member);
    if (before === speaker) return;
    this.#current.set(member, speaker);
    if (before === undefined) return;
    // A process ends when the next one begins. One that speaks on after its successor is a second machine.
    const since = this.#superseded.get(speaker);
    const origins: [OriginId, OriginId] = [before.slice(0, before.indexOf('/')), standing.origin];
    if (since !== undefined && clock.monotonic_ms() - since >= LATE_MS)
      alarm({ kind: 'member_cloned', member, origins });
    if (!this.#superseded.has(before)) this.#superseded.set(before, clock.monotonic_ms());
  }

  #isAheadOfUs({ vector }: Standing): boolean {
    const { origin } = this.#options.replica.identity();
    return (vector[origin] ?? 0) > (this.#options.replica.vector()[origin] ?? 0);
  }

  /** Compares what both sides said of themselves; says nothing while their vectors differ or one is in the middle of a snapshot. */
  compareRoots(member: MemberId, mine: Standing, theirs: Standing): void {
    if (!areEqual(mine.vector, theirs.vector) || mine.root === UNSETTLED || theirs.root === UNSETTLED) return;
    const checked_ms = this.#options.clock.now_ms();
    const since = this.agreementWith(member).diverged_since_ms ?? checked_ms;
    this.#agreements.set(member, { checked_ms, diverged_since_ms: mine.root === theirs.root ? null : since });
    if (mine.root === theirs.root) this.#agreed.set(speakerOf(theirs), mine.vector);
  }

  agreementWith(member: MemberId): Agreement {
    return this.#agreements.get(member) ?? { checked_ms: null, diverged_since_ms: null };
  }

  /** Looks whether the operations of ours that it has are ours. */
  async #compare(member: MemberId, standing: Standing): Promise<void> {
    const { replica } = this.#options;
    for (const { operation, hash } of standing.yours) {
      const place = placeOf(operation);
      if (!place || memberOf(place.origin) !== replica.identity().member) continue;
      const ours = replica.hashAt(place.origin, place.sequence);
      const nobodyCanTell = (ours === '' || hash === FORGOTTEN) && covers(replica.vector(), place);
      if (nobodyCanTell || ours === hash) this.#prove(speakerOf(standing), place.origin, place.sequence);
      if (ours === '' || hash === FORGOTTEN || place.origin !== replica.identity().origin) continue;
      if (ours !== hash) {
        this.shared(member, place.origin, place.sequence);
        return this.#renew(member, Math.min(this.#commonWith(member), place.sequence - 1));
      }
      this.#confirmed.set(member, Math.max(place.sequence, this.#confirmed.get(member) ?? 0));
      replica.confirm(place.sequence);
    }
  }

  /** A member has another operation at a place of an origin than we have: two machines number it. People are told once. */
  shared(member: MemberId, origin: OriginId, sequence: number): void {
    const told = `${member} ${origin}`;
    if (!this.#told_shared.has(told)) this.#options.alarm({ kind: 'identity_shared', member, origin, sequence });
    this.#told_shared.add(told);
  }

  /** How much of our log it shares with us for certain. */
  #commonWith(member: MemberId): number {
    return this.#confirmed.get(member) ?? this.#confirmed_before;
  }

  async #renew(member: MemberId, common: number): Promise<void> {
    this.#renewing ??= this.#begin(member, common).finally(() => (this.#renewing = null));
    await this.#renewing;
  }

  async #begin(member: MemberId, common: number): Promise<void> {
    const { replica, alarm } = this.#options;
    const { origin: from } = replica.identity();
    const { origin: to, told } = await replica.renew(common);
    this.#confirmed.clear();
    this.#confirmed_before = 0;
    alarm({ kind: 'renewed', member, from, to, told });
  }

  /**
   * What every member is known to have, for purges; null while one has not spoken since our start. Members of which we
   * have operations but that are not paired with us hold it up as well, as we cannot know what they have: then only
   * somebody who is paired with all can purge (R9).
   */
  vectors(): Map<MemberId, VersionVector> | null {
    return this.#ofAll(({ standing }) => standing.vector);
  }

  /**
   * Of that, what each was seen to have with the rows that we have. Where two machines numbered one origin, a vector does not say
   * whose operations a member has; equal roots do.
   */
  agreed(): Map<MemberId, VersionVector> | null {
    return this.#ofAll(({ standing }) => meetVectors([this.#agreed.get(speakerOf(standing)) ?? {}, standing.vector]));
  }

  #ofAll(what: (known: KnownMember) => VersionVector): Map<MemberId, VersionVector> | null {
    const { replica } = this.#options;
    const own = replica.identity().member;
    const mine = replica.vector();
    const vectors = new Map<MemberId, VersionVector>([[own, mine]]);
    const all = new Set([...this.#paired, ...Object.keys(mine).map(memberOf)]);
    for (const member of all) {
      if (member === own || this.#removed.has(member)) continue;
      const known = this.#livingOf(member);
      if (!this.#paired.has(member) || known.length === 0) return null;
      vectors.set(member, meetVectors(known.map(what)));
    }
    return vectors;
  }

  /** Who spoke last, and others that did so lately: clones have their own disks. */
  #livingOf(member: MemberId): KnownMember[] {
    const { clock, forget_incarnation_ms } = this.#options;
    const current = this.#current.get(member);
    const now = clock.monotonic_ms();
    const last = this.known(member)?.standing.origin;
    return [...this.#speakers].flatMap(([speaker, known]) => {
      const longest_ms = known.standing.origin === last ? ENDED_MS : forget_incarnation_ms;
      const lives = speaker === current || now - known.heard_at_ms < longest_ms;
      return known.member === member && lives ? [known] : [];
    });
  }
}

function areEqual(a: VersionVector, b: VersionVector): boolean {
  return isWithin(a, b) && isWithin(b, a);
}
