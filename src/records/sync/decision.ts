import type { RecordPlan } from '../plan/plan-record.ts';
import type { SalesforceResult } from '../sides.ts';
import type { Missing } from './plan-input.ts';
import type { Intent } from './rows.ts';
import type { KeyView } from './view.ts';

/** What is to be done about a claimed key, and what became of it so far. */
export interface Decision {
  readonly view: KeyView;
  readonly plan: RecordPlan;
  /** One side misses the record and nobody told of a deletion: a person says what it means. */
  readonly missing: Missing | null;
  /** Beyond the brakes: nothing of it is written. */
  held_back: boolean;
  intent: Omit<Intent, 'state' | 'seen'> | null;
  /** Null: nothing was sent to Salesforce, or the claim was lost before it was. */
  result: SalesforceResult | null;
  /** The claim was lost: nothing may be written for it. */
  lost: boolean;
}
