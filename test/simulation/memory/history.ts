import {
  covers,
  placeOf,
  type MemberId,
  type OperationId,
  type OriginId,
  type VersionVector,
} from '../../../src/memory/origin.ts';

/** A write as its client saw it. Never more than the client knows: one that got no answer may still have happened. */
export interface Written {
  number: number;
  kind: 'store' | 'change' | 'delete' | 'link';
  /** Id of the memory. */
  id: string;
  /** What it made its content; '' for others. */
  value: string;
  machine: number;
  operation: OperationId | null;
  /** What the member had when it returned; with it, what happened before. */
  vector: VersionVector;
  /** Members that it was on when its client was told so; null: it never was. */
  acknowledged: { on: MemberId[]; at_ms: number; w: number } | null;
}

/** What a client read, and what the read had to be as new as. */
export interface Read {
  machine: number;
  id: string;
  /** null: not there. */
  value: string | null;
  level: 'local' | 'session' | 'quorum';
  /** Writes that it must not be older than, by number. */
  floor: number[];
}

/** A disk that was lost, and when what came instead of it was taken. */
export interface DiskLoss {
  member: MemberId;
  at_ms: number;
  /** -1: nothing came instead. */
  backup_ms: number;
}

export class History {
  readonly writes: Written[] = [];
  readonly reads: Read[] = [];
  readonly losses: DiskLoss[] = [];
  /** Origins that two machines have numbered on from one place, with that place. */
  readonly forks = new Map<OriginId, number>();

  begin(write: Pick<Written, 'kind' | 'id' | 'value' | 'machine'>): Written {
    const written: Written = { ...write, number: this.writes.length, operation: null, vector: {}, acknowledged: null };
    this.writes.push(written);
    return written;
  }

  /**
   * Whether one of the disks that an acknowledged write was on was never lost since, nor replaced by an older one. Of a copy taken
   * in the same moment nobody can tell.
   */
  isKept(write: Written): boolean {
    return this.keptOn(write).length > 0;
  }

  /** The members whose disks it was on when it was acknowledged, and still is. */
  keptOn({ acknowledged }: Written): MemberId[] {
    if (!acknowledged) return [];
    return acknowledged.on.filter((member) =>
      this.losses.every(
        (loss) => loss.member !== member || loss.at_ms < acknowledged.at_ms || loss.backup_ms > acknowledged.at_ms,
      ),
    );
  }

  /** Whether `later` was made by somebody who had `earlier`. */
  happenedAfter(later: Written, earlier: Written): boolean {
    const place = earlier.operation === null ? null : placeOf(earlier.operation);
    if (place === null || later.operation === earlier.operation) return false;
    // Of a place that two machines filled a vector does not say whose operation it covers.
    return (!this.isForked(earlier) || later.machine === earlier.machine) && covers(later.vector, place);
  }

  /** Whether another machine may have another operation under its number. */
  isForked({ operation }: Written): boolean {
    const place = operation === null ? null : placeOf(operation);
    return place !== null && place.sequence > (this.forks.get(place.origin) ?? Infinity);
  }

  writeOf(id: string, value: string): Written | undefined {
    return this.writes.find((write) => write.id === id && write.value === value);
  }
}
