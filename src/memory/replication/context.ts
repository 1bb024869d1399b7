/** What all parts of replication on one member share. */
import type { Clock } from '../../platform/clock.ts';
import { linkedAbort } from '../../platform/linked-abort.ts';
import type { Random } from '../../platform/random.ts';
import type { Timers } from '../../platform/timers.ts';
import { isWithin, memberOf, operationId, placeOf, type MemberId, type VersionVector } from '../origin.ts';
import type { Replica } from '../replica.ts';
import type { Alarm, Members, Speaker } from './members.ts';
import { FORGOTTEN, UNSETTLED, type Echo, type Greeting, type Standing } from './messages.ts';
import { WIRE_LIMITS } from './limits.ts';
import type { ReplicationSettings } from './settings.ts';

export interface ReplicationContext {
  replica: Replica;
  members: Members;
  clock: Clock;
  timers: Timers;
  random: Random;
  settings: ReplicationSettings;
  device: string;
  program: string;
  /** Of this process. */
  run: string;
  alarm: (alarm: Alarm) => void;
  /** Told of what is no fault of the network or a peer. */
  onDefect: (error: unknown) => void;
  /** What rows of snapshots came from that were begun: until our vector covers it, we have rows that it does not tell of. */
  ahead: { vector: VersionVector };
  /** A member spoke to us by itself. */
  spoke: (member: MemberId, speaker: Speaker) => void;
  /** Rings after every commit that added operations. */
  commits: CommitBell;
  /** Whether our own way to the peer ends at this process of it: a clone of it must fetch for itself. */
  reaches: (speaker: Speaker) => boolean;
}

/** Who we are and what we have, at one moment; to a listener who said this of itself last (null: nothing yet). */
export function standingOf(
  { replica, members, ahead, run }: Pick<ReplicationContext, 'replica' | 'members' | 'ahead' | 'run'>,
  listener: Standing | null,
): Standing {
  const vector = replica.vector();
  const root = isWithin(ahead.vector, vector) ? replica.root() : UNSETTLED;
  return {
    origin: replica.identity().origin,
    run,
    vector,
    root,
    yours: listener ? echoesOf(replica, vector, listener) : [],
    asks: listener ? members.unproven(listener) : [],
  };
}

function echoesOf(replica: Replica, vector: VersionVector, { origin, vector: theirs, asks }: Standing): Echo[] {
  const last = vector[origin] ?? 0;
  const places = new Set([last, Math.min(last, theirs[origin] ?? 0)].map((sequence) => operationId(origin, sequence)));
  for (const asked of asks) if (memberOf(asked) === memberOf(origin)) places.add(asked);
  return [...places].flatMap((operation) => {
    const place = placeOf(operation);
    const hash = place ? replica.hashAt(place.origin, place.sequence) : '';
    if (place && hash === '' && replica.takenAt(place.origin, place.sequence) !== null)
      return [{ operation, hash: FORGOTTEN }];
    return hash === '' ? [] : [{ operation, hash }];
  });
}

/** `to`: null before the peer has ever spoken. */
export function greetingTo(to: Speaker | null, { device, program, reaches, replica }: ReplicationContext): Greeting {
  const damaged = replica.damaged().slice(0, WIRE_LIMITS.max_rows);
  return { device, program, dials: to !== null && reaches(to), damaged };
}

/** Wakes those that wait for something new to be in the log. */
export class CommitBell {
  readonly #waiting = new Set<() => void>();

  ring(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Resolves at the next ring, after `longest_ms`, or when `signal` aborts. */
  async wait(longest_ms: number, timers: Timers, signal: AbortSignal): Promise<void> {
    const rung = linkedAbort(signal);
    const wake = (): void => rung.abort('rung');
    this.#waiting.add(wake);
    await timers.sleep(longest_ms, rung.signal);
    rung.unlink();
    this.#waiting.delete(wake);
  }
}
