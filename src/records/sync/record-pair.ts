import type { KeyedDestination, KeyedOutcome, SendContext } from '../../engine/keyed/destination.ts';
import type { Task } from '../../engine/keyed/store.ts';
import type { Refusal, RowWrite } from '../../engine/transaction.ts';
import type { Clock } from '../../platform/clock.ts';
import { SynclineError } from '../../platform/errors.ts';
import { uuidv7, type Random } from '../../platform/random.ts';
import type { ObjectMapping } from '../model/mapping.ts';
import type { CustomPolicy } from '../plan/merge.ts';
import { planRecord } from '../plan/plan-record.ts';
import { refusedRows } from '../postgres/refused-rows.ts';
import type { PostgresTables } from '../postgres/table.ts';
import type { SalesforceSide } from '../sides.ts';
import { countPairs } from './brake-counts.ts';
import { readClaimed } from './claimed-keys.ts';
import type { Decision } from './decision.ts';
import type { FlowDatabase } from './flow-database.ts';
import { holdBack } from './hold-back.ts';
import { writable } from './mapping-states.ts';
import { planInputOf } from './plan-input.ts';
import { readFailure } from './salesforce-failure.ts';
import { sendToSalesforce } from './send-to-salesforce.ts';
import { settlementOf } from './settlement.ts';
import type { RecordStream } from './streams.ts';
import type { TableWrites } from './table-writes.ts';
import type { KeyView } from './view.ts';

export interface RecordPairOptions {
  mapping: ObjectMapping;
  stream: RecordStream;
  database: FlowDatabase;
  salesforce: SalesforceSide;
  postgres: Pick<PostgresTables, 'readKeys'>;
  table: TableWrites;
  clock: Clock;
  random: Random;
  /** Policy `custom`. */
  custom?: CustomPolicy;
  /** A brake held something back and the object is paused now; the place that says so. */
  paused?: (stream: string) => void;
}

/** While nobody has said yes to this version, or the object is paused, its keys wait. */
const NOT_APPLIED_MS = 60_000;
const PAIRS_AGE_MS = 60_000;

/**
 * An object of Salesforce and its table, as one destination: brings both to the same state, key by key (README: The road of
 * a change). A side that throttles stays different for a while; what the other one gets goes on.
 */
export class RecordPair implements KeyedDestination {
  readonly id: string;
  /** Five requests of Collections, or one bulk job; what settles with them stays below a second. */
  readonly most_keys = 1000;
  readonly #options: RecordPairOptions;
  #pairs: { count: number; at_ms: number } | null = null;

  constructor(options: RecordPairOptions) {
    this.#options = options;
    this.id = options.stream.stream;
  }

  accepts(stream: string): boolean {
    return stream === this.id;
  }

  /** `sendMany` is what the engine calls. */
  async send(task: Task, context: SendContext): Promise<KeyedOutcome> {
    const [outcome] = await this.sendMany([task], context);
    return outcome ?? { kind: 'later', until_ms: this.#options.clock.now_ms() };
  }

  refusedRows(rows: readonly RowWrite[]): Promise<(Refusal | null)[]> {
    const { database, table } = this.#options;
    return refusedRows(database.postgres, table.writers, rows);
  }

  async sendMany(tasks: readonly Task[], context: SendContext): Promise<KeyedOutcome[]> {
    const { clock, random } = this.#options;
    if (!(await this.#mayWrite())) {
      const until_ms = clock.now_ms() + NOT_APPLIED_MS;
      return tasks.map(() => ({ kind: 'later', until_ms }));
    }
    const { views, unread } = await this.#read(tasks, context.signal);
    const decisions = views.map((view) => this.#decide(view));
    const { database, mapping, paused, ...options } = this.#options;
    const about = { database, mapping, stream: this.id, pairs: () => this.#knownPairs(), now_ms: clock.now_ms() };
    const held = await holdBack(decisions, about);
    if (held !== null) paused?.(this.id);
    await sendToSalesforce(decisions, { mapping, ...options }, context);
    const batch_id = uuidv7(clock.now_ms(), random);
    const settled = new Map(
      decisions.map((one) => [one.view.task, settlementOf(one, { mapping, ...options, batch_id })]),
    );
    return tasks.map((task) => settled.get(task) ?? unread(task));
  }

  /** Counting reads every link, so a mass change of many claims counts once a minute. */
  async #knownPairs(): Promise<number> {
    const { clock, database } = this.#options;
    const now_ms = clock.monotonic_ms();
    if (this.#pairs === null || now_ms - this.#pairs.at_ms > PAIRS_AGE_MS)
      this.#pairs = { count: await countPairs(database, this.id), at_ms: now_ms };
    return this.#pairs.count;
  }

  /** R1: only under a version that a person said yes to. */
  async #mayWrite(): Promise<boolean> {
    const { database, mapping } = this.#options;
    return (await writable(database, [this.id])).get(this.id) === mapping.version;
  }

  /** When Salesforce cannot be read, those keys of which enough was told go on. */
  async #read(
    tasks: readonly Task[],
    signal: AbortSignal,
  ): Promise<{ views: KeyView[]; unread: (task: Task) => KeyedOutcome }> {
    const { clock } = this.#options;
    const { views, failure } = await readClaimed(tasks, this.#options, signal);
    const outcome: KeyedOutcome =
      failure instanceof SynclineError
        ? readFailure(failure, clock.now_ms())
        : { kind: 'later', until_ms: clock.now_ms() };
    return { views, unread: () => outcome };
  }

  #decide(view: KeyView): Decision {
    const { mapping, table, custom = null } = this.#options;
    const { input, missing } = planInputOf(view, mapping, table, custom);
    return { view, plan: planRecord(input), missing, held_back: false, intent: null, result: null, lost: false };
  }
}
