import type { ObjectMapping } from '../model/mapping.ts';
import type { Document, Side, Value } from '../model/value.ts';
import type { CustomPolicy } from '../plan/merge.ts';
import { NEVER_HAD } from '../plan/existence.ts';
import { holdingResolutions } from '../plan/resolution.ts';
import type { Agreement, OverwrittenEdit, PairInput, SideState } from '../plan/pair.ts';
import type { KnownConflict } from './rows.ts';
import type { TableWrites } from './table-writes.ts';
import { isSurelyAbsent, type KeyView } from './view.ts';

/** A record that one side misses without anybody having told of a deletion. */
export interface Missing {
  side: Side;
}

/** What the plan of a claimed key is made from; `missing`: nothing is planned until a person says what that means. */
export function planInputOf(
  view: KeyView,
  mapping: ObjectMapping,
  table: Pick<TableWrites, 'check'>,
  custom: CustomPolicy | null,
): { input: PairInput; missing: Missing | null } {
  const { state, postgres } = view;
  const resolved = state.conflicts.filter(({ resolution }) => resolution !== null);
  const input: PairInput = {
    mapping,
    link: agreedOn(view),
    salesforce: salesforceSide(view),
    postgres,
    ...(state.wish !== null && { wanted: state.wish.fields }),
    overwritten: { ...stillOverwritten(state.conflicts), ...view.overwritten },
    checkPostgres: (field, value) => table.check(field, value),
    ...(custom !== null && { custom }),
  };
  const resolutions = { fields: fieldResolutions(resolved, input), record: recordResolution(resolved) };
  return withMissing({ ...input, resolutions }, view);
}

/**
 * What both sides agreed on, with what a write of ours brought to Salesforce whose settlement was lost (a crash, an answer that
 * never came): PostgreSQL had those values when they were sent, so a later edit on either side is an edit of them.
 */
function agreedOn({ state, salesforce, echoed, fetched }: KeyView): Agreement | null {
  const { agreed } = state.link;
  const arrived: Record<string, Value> = {};
  for (const { intent_id, state: answer, fields, carried } of state.intents) {
    if (answer !== 'sent') continue;
    for (const field of carried) {
      const value = fields[field];
      const is_there = fetched && salesforce.presence === 'present' && salesforce.document[field] === value;
      if (value !== undefined && (is_there || echoed.has(intent_id))) arrived[field] = value;
    }
  }
  if (Object.keys(arrived).length === 0) return agreed;
  const had = { salesforce: 'present', postgres: 'present' } as const;
  return { base: { ...agreed?.base, ...arrived }, had };
}

function salesforceSide({ salesforce, salesforce_problems, fetched, state, changes }: KeyView): SideState {
  const { presence, document, modified_ms } = salesforce;
  if (presence === 'present') return { presence, document, modified_ms, problems: salesforce_problems };
  if (presence === 'absent' && (!fetched || isSurelyAbsent(state, changes))) return { presence, modified_ms };
  return { presence: 'unknown' };
}

/**
 * A side that misses the record although nobody told of its deletion is a conflict about the record. Taken for that side, it
 * counts as deleted; for the other, as never there, so that it is made again.
 */
function withMissing(input: PairInput, view: KeyView): { input: PairInput; missing: Missing | null } {
  const side = missingSide(input, view);
  if (side === null) return { input, missing: null };
  const word = input.resolutions?.record ?? null;
  if (word === null) return { input, missing: { side } };
  const absent: PairInput = { ...input, [side]: { presence: 'absent', modified_ms: null } };
  const never: Agreement = { base: {}, had: NEVER_HAD };
  return { input: word === side ? absent : { ...absent, link: never }, missing: null };
}

function missingSide({ salesforce, postgres }: PairInput, { ambiguous, fetched }: KeyView): Side | null {
  if (ambiguous !== null) return null;
  if (postgres.presence === 'unknown' && salesforce.presence !== 'unknown') return 'postgres';
  return salesforce.presence === 'unknown' && postgres.presence !== 'unknown' && fetched ? 'salesforce' : null;
}

/** What was decided, as far as nothing that it gives up was changed since a person saw it; else it is a conflict again. */
function fieldResolutions(resolved: readonly KnownConflict[], { postgres, salesforce }: PairInput): Document {
  const decisions = resolved.flatMap(({ field, resolution, base, salesforce: there, postgres: here, overwritten }) => {
    if (field === null || resolution === null) return [];
    // The value of Salesforce that was replaced unseen is not there any more: it is taken as it was seen.
    const is_taken_back = overwritten && 'take' in resolution && resolution.take === 'salesforce';
    const choice = is_taken_back ? { value: there } : resolution;
    return [{ choice, seen: { field, base, salesforce: there, postgres: here }, overwritten }];
  });
  const now = { salesforce: documentOf(salesforce), postgres: documentOf(postgres) };
  const { fields } = holdingResolutions(
    decisions.filter(({ overwritten }) => !overwritten),
    now,
  );
  const taken_back = decisions
    .filter(({ overwritten }) => overwritten)
    .map(({ choice, seen }) => [seen.field, 'take' in choice ? seen[choice.take] : choice.value] as const);
  return { ...fields, ...Object.fromEntries(taken_back) };
}

function documentOf(side: SideState): Document {
  return side.presence === 'present' ? side.document : {};
}

function recordResolution(resolved: readonly KnownConflict[]): Side | null {
  const word = resolved.find(({ field }) => field === null)?.resolution ?? null;
  return word !== null && 'take' in word ? word.take : null;
}

function stillOverwritten(conflicts: readonly KnownConflict[]): Record<string, OverwrittenEdit> {
  return Object.fromEntries(
    conflicts.flatMap(({ field, overwritten, base, salesforce }) =>
      field === null || !overwritten ? [] : [[field, { base, salesforce }] as const],
    ),
  );
}
