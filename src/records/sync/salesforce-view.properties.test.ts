/**
 * One record on two sides, with Salesforce's events coming late: edits, claims and deliveries in any order. In the end both sides
 * agree, or a conflict says where not; and no edit is lost without a later one, the policy or a conflict.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fieldOf, mappingOf } from '../model/generated.contract.ts';
import type { Document, Side, Value } from '../model/value.ts';
import { fetched, UNHEARD, type SalesforceState } from '../plan/fold.ts';
import type { FieldConflict } from '../plan/merge.ts';
import type { Agreement, OverwrittenEdit } from '../plan/pair.ts';
import { planRecord } from '../plan/plan-record.ts';
import type { PlacedChange } from './key-entries.ts';
import type { KeyState } from './key-states.ts';
import type { Intent } from './rows.ts';
import { readTold } from './salesforce-view.ts';

const FIELDS = ['a', 'b'];
const mapping = mappingOf(FIELDS.map((name) => fieldOf('text', { name })));

type Step =
  | { do: 'salesforce' | 'postgres'; field: string; value: Value }
  | { do: 'flow'; value: Value }
  | { do: 'deliver' | 'claim' | 'gap' };

/** The two real sides, and the flow between them as a claim runs it. */
class World {
  salesforce: Document = { a: '0', b: '0' };
  postgres: Document = { a: '0', b: '0' };
  readonly events: PlacedChange[] = [];
  delivered = 0;
  state: SalesforceState = UNHEARD;
  agreed: Agreement | null = null;
  intents: Intent[] = [];
  overwritten: Record<string, OverwrittenEdit> = {};
  conflicts: readonly FieldConflict[] = [];
  /** Every value that the flow wrote, by the side that got it. */
  readonly written: Record<Side, Value[]> = { salesforce: [], postgres: [] };
  /** Salesforce changes b by itself when a is written. */
  flow: Value | undefined;
  #time = 0;

  constructor() {
    this.claim();
  }

  commit(fields: Document, ours: boolean): void {
    const by_flow = fields['a'] === undefined || this.flow === undefined ? {} : { b: this.flow };
    this.salesforce = { ...this.salesforce, ...fields, ...by_flow };
    this.#emit({ ...fields, ...by_flow }, ours, 'changed');
  }

  #emit(fields: Document, ours: boolean, operation: 'changed' | 'touched'): void {
    const offset = this.events.length + 1;
    const told = { whole: false, salesforce_id: '001', committed_ms: ++this.#time, actor: null, session: null };
    this.events.push({ side: 'salesforce', operation, fields, ours, offset, ...told });
  }

  step(step: Step): void {
    if (step.do === 'salesforce') this.commit({ [step.field]: step.value }, false);
    else if (step.do === 'postgres') this.postgres = { ...this.postgres, [step.field]: step.value };
    else if (step.do === 'flow') this.flow = step.value;
    else if (step.do === 'gap') this.#emit({}, false, 'touched');
    else if (step.do === 'deliver') this.delivered = Math.min(this.delivered + 1, this.events.length);
    else this.claim();
  }

  claim(): boolean {
    const fresh = this.events.slice(0, this.delivered).filter(({ offset }) => offset > (this.state.folded['1'] ?? 0));
    const told = readTold(this.#keyState(), fresh, 1);
    const previous = this.state;
    this.state = told.needs_fetch ? this.#fetch(told.state, previous) : told.state;
    this.intents = this.intents.filter(({ intent_id }) => !told.seen.has(intent_id));
    this.overwritten = { ...this.overwritten, ...told.overwritten };

    const plan = planRecord({
      mapping,
      link: this.agreed,
      salesforce: { presence: 'present', document: this.state.document, modified_ms: null },
      postgres: { presence: 'present', document: this.postgres, modified_ms: null },
      overwritten: this.overwritten,
    });
    this.conflicts = plan.conflicts;
    const open = new Set(plan.conflicts.map(({ field }) => field));
    this.overwritten = Object.fromEntries(Object.entries(this.overwritten).filter(([field]) => open.has(field)));
    if (plan.salesforce !== null) {
      const { fields, before } = plan.salesforce;
      const intent_id = String(this.events.length);
      this.intents.push({
        intent_id,
        stream: 's',
        key: 'k',
        operation: 'update',
        fields,
        before,
        carried: [],
        state: 'settled',
        seen: false,
      });
      this.commit(fields, true);
      this.state = { ...this.state, document: { ...this.state.document, ...fields } };
    }
    if (plan.postgres !== null) this.postgres = { ...this.postgres, ...plan.postgres.fields };
    for (const side of ['salesforce', 'postgres'] as const)
      this.written[side].push(...Object.values(plan[side]?.fields ?? {}));
    this.agreed = plan.next;
    return plan.salesforce !== null || plan.postgres !== null;
  }

  #keyState(): KeyState {
    const { state: salesforce, agreed, intents } = this;
    const link = { stream: 's', key: 'k', salesforce, postgres_offset: 0, agreed, mapping_version: '', version: 1 };
    return { link, intents, conflicts: [], wish: null };
  }

  #fetch({ folded }: SalesforceState, previous: SalesforceState): SalesforceState {
    const record = { key: 'k', id: '001', document: this.salesforce, modified_ms: this.#time, problems: [] };
    return fetched({ kind: 'record', record }, folded, previous);
  }

  settle(): void {
    for (let round = 0; round < 10; round++) {
      this.delivered = this.events.length;
      if (!this.claim() && this.delivered === this.events.length) return;
    }
    throw new Error('the two sides never come to rest');
  }
}

/** Long ones on purpose: what goes wrong needs several writes that wait for their echoes. */
const manyOf = (one: fc.Arbitrary<Step>) => fc.array(one, { maxLength: 25, size: 'max' });
const value = fc.constantFrom('1', '2', '3', null);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('salesforce', 'postgres'), field: fc.constantFrom(...FIELDS), value }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('deliver', 'claim', 'deliver', 'claim', 'gap') }) },
);

it('both sides come to rest and agree, except where a conflict says so', () => {
  const withFlow = fc.oneof(
    { weight: 8, arbitrary: step },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('flow'), value }) },
  );
  fc.assert(
    fc.property(manyOf(withFlow), (steps) => {
      const world = new World();
      for (const one of steps) world.step(one);
      world.settle();
      const open = world.conflicts.map(({ field }) => field);
      for (const field of FIELDS)
        if (!open.includes(field)) expect(world.salesforce[field]).toBe(world.postgres[field]);
      expect(world.state.document).toEqual(world.salesforce);
    }),
    { numRuns: 3_000 },
  );
});

it('no edit is lost but to a later one that could have seen it, or to a conflict', () => {
  fc.assert(
    fc.property(manyOf(step), value, value, (steps, salesforce, postgres) => {
      const world = new World();
      for (const one of steps) world.step(one);
      world.settle();
      if (world.conflicts.length > 0) return;
      const agreed = world.salesforce['a'];
      // Both edit the same field; PostgreSQL's change is carried over before Salesforce's event comes.
      world.step({ do: 'salesforce', field: 'a', value: salesforce });
      world.step({ do: 'postgres', field: 'a', value: postgres });
      world.claim();
      world.settle();
      const both_changed = salesforce !== agreed && postgres !== agreed && salesforce !== postgres;
      if (both_changed) expect(world.conflicts.map(({ field }) => field)).toContain('a');
      else expect(world.conflicts).toEqual([]);
    }),
    { numRuns: 1_000 },
  );
});

it('a side gets only what somebody made on the other: an echo, however late, brings nothing back', () => {
  const withFlow = fc.oneof(
    { weight: 8, arbitrary: step },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('flow'), value }) },
  );
  fc.assert(
    fc.property(manyOf(withFlow), (steps) => {
      const world = new World();
      steps.forEach((one, index) => world.step('value' in one ? { ...one, value: `${one.do} ${index}` } : one));
      world.settle();
      for (const written of world.written.salesforce) expect(written).toMatch(/^postgres/);
      for (const written of world.written.postgres) expect(written).toMatch(/^(salesforce|flow)/);
    }),
    { numRuns: 2_000 },
  );
});
