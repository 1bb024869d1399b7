import { FullError, SynclineError } from '../../platform/errors.ts';
import type { Capture } from './capture.ts';
import type { PreparedUnit } from './prepared-unit.ts';

/**
 * When a group is taken. A commit waits for the disk and writes pages that the next one writes again, so small files
 * go together; with the spans of these events a group is about what one transaction may hold.
 */
const GROUP_LIMITS = { events: 1500, read_bytes: 4 * 1024 * 1024 } as const;

/** A unit on its way into the journal, and who wants to know what becomes of it. */
export interface WaitingUnit {
  unit: PreparedUnit;
  read_bytes: number;
  /** It is in the journal. */
  taken: () => void;
  /** It is not, for a reason of its own; the others of its group are. */
  failed: (error: SynclineError) => void;
}

/**
 * Units of different sources, gathered until they are worth a commit. At most one of each source: after a kill no more
 * than one unit of a source is read again (P7).
 */
export class UnitGroup {
  readonly #capture: Pick<Capture, 'takeTogether'>;
  #waiting: WaitingUnit[] = [];

  constructor(capture: Pick<Capture, 'takeTogether'>) {
    this.#capture = capture;
  }

  get isFull(): boolean {
    const events = this.#waiting.reduce((sum, { unit }) => sum + unit.events.length, 0);
    const read_bytes = this.#waiting.reduce((sum, waiting) => sum + waiting.read_bytes, 0);
    return events >= GROUP_LIMITS.events || read_bytes >= GROUP_LIMITS.read_bytes;
  }

  add(waiting: WaitingUnit): void {
    this.#waiting.push(waiting);
  }

  /**
   * Journals what has been gathered; returns how many entries were appended. Where the units together fail, each is taken
   * by itself, so that one of them costs no other.
   * @throws FullError: the rest is not taken and forgotten, and is read again.
   */
  async take(): Promise<number> {
    const group = this.#waiting;
    this.#waiting = [];
    if (group.length === 0) return 0;
    try {
      const { appended } = await this.#capture.takeTogether(group.map(({ unit }) => unit));
      for (const { taken } of group) taken();
      return appended;
    } catch (error) {
      if (error instanceof FullError || !(error instanceof SynclineError)) throw error;
      return this.#takeEach(group, error);
    }
  }

  async #takeEach(group: readonly WaitingUnit[], first: SynclineError): Promise<number> {
    const [only] = group;
    if (only && group.length === 1) {
      only.failed(first);
      return 0;
    }
    let appended = 0;
    for (const waiting of group) {
      this.#waiting = [waiting];
      appended += await this.take();
    }
    return appended;
  }
}
