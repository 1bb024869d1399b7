/**
 * Who the other members are and what each said it has. Nothing here is stored: a peer says its vector with every message,
 * and until it has spoken since our start it counts as having nothing (R2), which costs time and never safety.
 */
import type { Clock } from '../../platform/clock.ts';
import { ForbiddenError } from '../../platform/errors.ts';
import { meetVectors, memberOf, type MemberId, type OriginId, type VersionVector } from '../origin.ts';
import type { Replica } from '../replica.ts';
import type { Standing } from './messages.ts';

/** One incarnation of a member, as it last spoke. */
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
  /** A peer knew more of our operations than we do: this machine was set back. */
  | { kind: 'renewed'; member: MemberId; from: OriginId; to: OriginId }
  | { kind: 'diverged'; member: MemberId; rows: number };

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
  readonly #incarnations = new Map<OriginId, KnownMember>();
  readonly #current = new Map<MemberId, OriginId>();
  readonly #superseded = new Set<OriginId>();
  readonly #listeners = new Set<(member: MemberId) => void>();
  #renewing: Promise<void> | null = null;

  constructor(options: MembersOptions) {
    this.#options = options;
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
    const origin = this.#current.get(member);
    return origin === undefined ? null : (this.#incarnations.get(origin) ?? null);
  }

  /** What this very incarnation last said; null before it has spoken. */
  incarnation(origin: OriginId): KnownMember | null {
    return this.#incarnations.get(origin) ?? null;
  }

  vectorOf(member: MemberId): VersionVector {
    return this.known(member)?.standing.vector ?? {};
  }

  /** Called after a member has spoken. */
  onHeard(listener: (member: MemberId) => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Takes note of what a member said about itself. When it knows more of our own operations than we have, this member was
   * set back, and a new incarnation begins before anything else is written (R6): await it.
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
    this.#noteIncarnation(member, standing.origin);
    this.#incarnations.set(standing.origin, {
      member,
      standing,
      heard_ms: clock.now_ms(),
      heard_at_ms: clock.monotonic_ms(),
    });
    if (this.#isAheadOfUs(standing)) await this.#renew(member);
    for (const listener of this.#listeners) listener(member);
  }

  #noteIncarnation(member: MemberId, origin: OriginId): void {
    const before = this.#current.get(member);
    if (before === origin) return;
    this.#current.set(member, origin);
    if (before === undefined) return;
    // An incarnation ends when the next one begins. One that speaks again after its successor is a second machine.
    if (this.#superseded.has(origin)) this.#options.alarm({ kind: 'member_cloned', member, origins: [before, origin] });
    this.#superseded.add(before);
  }

  #isAheadOfUs({ vector }: Standing): boolean {
    const { origin } = this.#options.replica.identity();
    return (vector[origin] ?? 0) > (this.#options.replica.vector()[origin] ?? 0);
  }

  async #renew(member: MemberId): Promise<void> {
    this.#renewing ??= this.#begin(member).finally(() => (this.#renewing = null));
    await this.#renewing;
  }

  async #begin(member: MemberId): Promise<void> {
    const { replica, alarm } = this.#options;
    const { origin: from } = replica.identity();
    const { origin: to } = await replica.renew();
    alarm({ kind: 'renewed', member, from, to });
  }

  /**
   * What every member is known to have, for purges; null while one has not spoken since our start. Members of which we
   * have operations but that are not paired with us hold it up as well, as we cannot know what they have: then only
   * somebody who is paired with all can purge (R9).
   */
  vectors(): Map<MemberId, VersionVector> | null {
    const { replica } = this.#options;
    const own = replica.identity().member;
    const mine = replica.vector();
    const vectors = new Map<MemberId, VersionVector>([[own, mine]]);
    const all = new Set([...this.#paired, ...Object.keys(mine).map(memberOf)]);
    for (const member of all) {
      if (member === own || this.#removed.has(member)) continue;
      const known = this.#livingOf(member);
      if (!this.#paired.has(member) || known.length === 0) return null;
      vectors.set(member, meetVectors(known.map(({ standing }) => standing.vector)));
    }
    return vectors;
  }

  /** The incarnation that spoke last, and others that did so lately: clones have their own disks. */
  #livingOf(member: MemberId): KnownMember[] {
    const { clock, forget_incarnation_ms } = this.#options;
    const current = this.#current.get(member);
    const now = clock.monotonic_ms();
    return [...this.#incarnations.values()].filter(
      (known) =>
        known.member === member &&
        (known.standing.origin === current || now - known.heard_at_ms < forget_incarnation_ms),
    );
  }
}
