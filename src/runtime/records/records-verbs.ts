/** What a person can ask of records. Each opens nothing itself: it works on an open directory, beside any number of workers. */
import { messageOf, UsageError } from '../../platform/errors.ts';
import { canonicalKey } from '../../records/model/canonical-key.ts';
import type { Side } from '../../records/model/value.ts';
import { applyPlan } from '../../records/sync/apply-plan.ts';
import { allowMore, brakeCounts, countPairs } from '../../records/sync/brake-counts.ts';
import { outboxBacklog } from '../../records/sync/capture-outbox.ts';
import {
  conflictGroups,
  listConflicts,
  resolveStep,
  type ConflictGroup,
  type ConflictQuery,
  type ListedConflict,
} from '../../records/sync/conflicts.ts';
import { findDrift, type DriftReport } from '../../records/sync/drift.ts';
import { formerValues, historyOf, historyPage, type ListedHistory } from '../../records/sync/history.ts';
import { mappingRows, pauseObject, resumeObject, type MappingRow } from '../../records/sync/mapping-states.ts';
import type { OpenObject } from '../../records/sync/open-records.ts';
import { planObject, type ObjectPlan } from '../../records/sync/plan-object.ts';
import type { Resolution } from '../../records/sync/rows.ts';
import { latestWalks } from '../../records/sync/walk.ts';
import { putWishes } from '../../records/sync/wishes.ts';
import type { RecordsDirectory } from './open-records-directory.ts';

export interface RecordsObjectStatus {
  object: string;
  /** Of the mapping file as it is now; null: its table does not fit it. */
  version: string | null;
  /** `stopped`: the file is not the mapping that was applied. */
  state: MappingRow['state'] | 'stopped' | 'unusable';
  paused: MappingRow['paused'];
  problem: string | null;
  waiting: number;
  oldest_waiting_ms: number | null;
  failing: number;
  /** Keys that dead letters hold. */
  held: number;
  conflicts: number;
  pairs: number;
  this_hour: Record<Side, { creates: number; updates: number; deletes: number }>;
  /** When both sides were compared last; null: never. */
  compared_ms: number | null;
  drifted: number | null;
  last_success_ms: number | null;
  last_error: { at_ms: number; code: string; message: string } | null;
}

export interface RecordsStatus {
  objects: RecordsObjectStatus[];
  outbox: { waiting: number; oldest_ms: number | null; hole_age_ms: number | null };
  /** API calls of the day; null: Salesforce could not be asked, for the reason in `calls_problem`. */
  calls: { used: number; max: number } | null;
  calls_problem: string | null;
}

/** @throws UsageError `records.object` */
export function objectNamed({ records, mappings }: RecordsDirectory, name: string): OpenObject {
  const object = records.objects.get(name);
  if (object !== undefined) return object;
  const unusable = records.unusable.get(name);
  if (unusable instanceof Error) throw unusable;
  throw new UsageError('records.object', `There is no object ${JSON.stringify(name)} in [[records.object]]`, {
    field: 'object',
    hint: `Objects: ${mappings.map((one) => one.name).join(', ') || 'none yet; run `syncline records init`'}.`,
  });
}

/** Those named, or all. @throws UsageError `records.object`, `records.no_objects` */
export function objectsNamed(directory: RecordsDirectory, names: readonly string[]): OpenObject[] {
  const wanted = names.length > 0 ? names : directory.mappings.map(({ name }) => name);
  if (wanted.length === 0)
    throw new UsageError('records.no_objects', 'No object is mapped yet: [[records.object]] is empty', {
      field: 'records.object',
      hint: 'Propose one: syncline records init --object Account --table public.accounts',
    });
  return wanted.map((name) => objectNamed(directory, name));
}

/** What keeping an object in step would write, on each side. Writes to neither. */
export function plan(
  directory: RecordsDirectory,
  object: OpenObject,
  signal: AbortSignal,
  progress?: (records: number) => void,
): Promise<ObjectPlan> {
  return planObject(walkOptions(directory, object, progress), signal);
}

/** Begins to keep it in step. @throws StaleError when it is not what the plan showed any more */
export function apply(
  { records, salesforce, outbox, inputs }: RecordsDirectory,
  object: OpenObject,
  { walk_id, version, summary, most_moved }: ObjectPlan,
  actor: string,
  signal: AbortSignal,
): Promise<{ keys: number }> {
  const { store, database, tables } = records;
  const options = { ...object, store, database, salesforce, postgres: tables, outbox, clock: inputs.clock };
  const changes = { salesforce: summary.salesforce, postgres: summary.postgres };
  return applyPlan({ walk_id, version, changes, most_moved }, options, actor, signal);
}

/** Compares both real sides; `repair` has what drifted looked at by the pair. */
export function drift(
  directory: RecordsDirectory,
  object: OpenObject,
  repair: boolean,
  signal: AbortSignal,
  progress?: (records: number) => void,
): Promise<DriftReport> {
  const { store } = directory.records;
  return findDrift({ ...walkOptions(directory, object, progress), store, repair }, signal);
}

function walkOptions(
  { records, salesforce, outbox, inputs }: RecordsDirectory,
  object: OpenObject,
  progress?: (records: number) => void,
) {
  const { database, tables } = records;
  const { clock, random } = inputs;
  const outboxPlace = (): Promise<string> => outbox.position();
  return {
    ...{ ...object, database, salesforce, postgres: tables, outboxPlace, clock, random },
    ...(progress && { progress: ({ records: read }: { records: number }) => progress(read) }),
  };
}

/** Changes of a key, newest first, with their values. */
export function history(
  { records }: RecordsDirectory,
  { mapping, stream }: OpenObject,
  key: string,
  limit: number,
): Promise<ListedHistory[]> {
  return historyOf(records.database, stream.stream, canonicalKey(mapping, key), limit);
}

/**
 * Wishes for the values before a key's last change, or before a batch; the pair writes them as any change. Creations and
 * deletions are not undone so: they are listed in `left`.
 */
export async function revert(
  directory: RecordsDirectory,
  what: { object: OpenObject; key: string } | { batch_id: string },
  actor: string,
): Promise<{ keys: number; left: number }> {
  const { records, inputs } = directory;
  const query =
    'batch_id' in what ? what : { stream: what.object.stream.stream, key: canonicalKey(what.object.mapping, what.key) };
  const total = { keys: 0, left: 0 };
  for (let after = 0; ;) {
    const rows = await historyPage(records.database, query, after);
    const last = rows.at(-1);
    if (last === undefined) return total;
    after = last.history_id;
    const updates = rows.filter(({ operation }) => operation === 'update');
    total.left += rows.length - updates.length;
    for (const [stream, changed] of Map.groupBy(updates, (row) => row.stream)) {
      const object = [...records.objects.values()].find((one) => one.stream.stream === stream);
      if (object === undefined) continue;
      const wishes = changed.map(({ key, changes }) => ({ key, fields: formerValues(changes) }));
      await putWishes(records.database, stream, wishes, 'revert', actor);
      const { partition_id } = object.stream.postgres;
      const touches = [...new Set(changed.map(({ key }) => key))].map((key) => ({ partition_id, key }));
      await records.store.keyed.touch(touches, inputs.clock.now_ms());
      total.keys += touches.length;
    }
    if (rows.length < 1000) return total;
  }
}

export function conflicts(
  { records }: RecordsDirectory,
  query: ConflictQuery,
  limit: number,
): Promise<ListedConflict[]> {
  return listConflicts(records.database, query, limit);
}

export function conflictsByField({ records }: RecordsDirectory, stream?: string): Promise<ConflictGroup[]> {
  return conflictGroups(records.database, stream);
}

/** Settles every open conflict that matches; the pair writes what was chosen. Returns how many. */
export async function resolve(
  { records, inputs }: RecordsDirectory,
  query: ConflictQuery,
  resolution: Resolution,
  actor: string,
): Promise<number> {
  for (let resolved = 0; ;) {
    const step = await resolveStep(records.database, query, resolution, actor);
    resolved += step.resolved;
    for (const [stream, keys] of Map.groupBy(step.keys, (one) => one.stream)) {
      const object = [...records.objects.values()].find((one) => one.stream.stream === stream);
      if (object === undefined) continue;
      const { partition_id } = object.stream.postgres;
      const touches = [...new Set(keys.map(({ key }) => key))].map((key) => ({ partition_id, key }));
      await records.store.keyed.touch(touches, inputs.clock.now_ms());
    }
    if (!step.more) return resolved;
  }
}

/** Nothing of the object is written until `resume`. */
export async function pause({ records, inputs }: RecordsDirectory, { mapping, stream }: OpenObject): Promise<boolean> {
  const reason = { reason: 'operator' as const, message: `${mapping.name} was paused`, at_ms: inputs.clock.now_ms() };
  return pauseObject(records.database, stream.stream, reason);
}

/** Goes on; `allow`: so many changes beyond the limits of this hour. */
export async function resume(
  { records, inputs }: RecordsDirectory,
  { stream }: OpenObject,
  allow: number | null,
): Promise<boolean> {
  if (allow !== null) {
    const more = { creates: allow, updates: allow, deletes: allow };
    await allowMore(records.database, stream.stream, { salesforce: more, postgres: more });
  }
  const resumed = await resumeObject(records.database, stream.stream);
  await records.database.query(
    // Keys that waited for the pause to end go now.
    `UPDATE syncline.task SET due_ms = least(due_ms, $2) WHERE destination_id = $1`,
    [stream.stream, inputs.clock.now_ms()],
  );
  return resumed;
}

export async function status(directory: RecordsDirectory, signal: AbortSignal): Promise<RecordsStatus> {
  const { records, mappings, salesforce, outbox, inputs } = directory;
  const { store, database } = records;
  const [rows, progress, destinations, groups] = await Promise.all([
    mappingRows(database),
    store.keyed.progress(),
    store.destinations(),
    conflictGroups(database),
  ]);
  const objects = await Promise.all(
    mappings.map(async ({ name, version }): Promise<RecordsObjectStatus> => {
      const stream = `records/${name}`;
      const object = records.objects.get(name);
      const mine = rows.filter((row) => row.stream === stream);
      const now = mine.find((row) => row.version === version);
      const applied = mine.find((row) => row.state === 'applied');
      const [this_hour, pairs] = await Promise.all([brakeCounts(database, stream), countPairs(database, stream)]);
      const compared = (await latestWalks(database, stream)).find(
        ({ kind, ended_ms }) => kind === 'drift' && ended_ms !== null,
      );
      const report = compared?.result as DriftReport | undefined;
      const waits = progress.find(({ destination_id }) => destination_id === stream);
      const destination = destinations.find(({ destination_id }) => destination_id === stream);
      const problem = records.unusable.get(name);
      return {
        object: name,
        version: object === undefined ? null : version,
        state: object === undefined ? 'unusable' : applied !== undefined && applied.version !== version ? 'stopped' : (now?.state ?? 'new'), // prettier-ignore
        paused: applied?.paused ?? null,
        problem: problem instanceof Error ? problem.message : null,
        waiting: waits?.waiting ?? 0,
        oldest_waiting_ms: waits?.oldest_waiting_ms ?? null,
        failing: waits?.failing ?? 0,
        held: waits?.held_keys ?? 0,
        conflicts: groups.filter((group) => group.stream === stream).reduce((sum, group) => sum + group.conflicts, 0),
        pairs,
        this_hour,
        compared_ms: compared?.ended_ms ?? null,
        drifted: report === undefined ? null : report.drifted.salesforce + report.drifted.postgres,
        last_success_ms: destination?.last_success_ms ?? null,
        last_error: destination?.last_error ?? null,
      };
    }),
  );
  const backlog = await outboxBacklog(store, outbox, inputs.clock.now_ms());
  const calls_problem = await salesforce.refreshBudget(signal).then(() => null, messageOf);
  return { objects, outbox: backlog, calls: salesforce.budget(), calls_problem };
}
