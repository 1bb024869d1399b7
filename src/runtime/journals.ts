import type { DestinationRow, EngineStore } from '../engine/store.ts';
import type { DataDirectory } from './data-directory.ts';
import type { OnHold, StreamName } from './operator.ts';
import { currentProgress } from './progress.ts';

/** The journal of each stream that runs here; verbs that mean the same for every stream go over all of them. */
export function journalsOf({ engine, sessions }: Pick<DataDirectory, 'engine' | 'sessions'>): EngineStore[] {
  return sessions ? [engine, sessions.engine] : [engine];
}

/** What is open for one destination, whichever way it is delivered to. */
export interface DestinationProgress {
  engine: EngineStore;
  row: DestinationRow;
  stream: StreamName;
  /** Items, or keys of sessions; without those on hold. */
  waiting: number;
  /** Sessions that wait on purpose, so that they can be withdrawn, and when the first of them leaves. */
  on_hold: OnHold | null;
  oldest_waiting_ms: number | null;
  /** Requests under way. */
  open: number;
  held: { partition: string; class: string; since_ms: number; message: string }[];
}

/** Progress of every destination that is not removed, telemetry first. */
export async function allProgress(directory: DataDirectory): Promise<DestinationProgress[]> {
  return [...(await orderedProgress(directory)), ...(await keyedProgress(directory))];
}

async function orderedProgress(directory: DataDirectory): Promise<DestinationProgress[]> {
  const { engine } = directory;
  const [rows, progress] = await Promise.all([engine.destinations(), currentProgress(directory)]);
  return rows.filter(isThere).map((row) => {
    const own = progress.filter(({ destination_id }) => destination_id === row.destination_id);
    const oldest = own.map(({ oldest_waiting_ms }) => oldest_waiting_ms).filter((time) => time !== null);
    return {
      engine,
      row,
      stream: row.stream as StreamName,
      waiting: own.reduce((sum, { waiting }) => sum + waiting, 0),
      oldest_waiting_ms: oldest.length > 0 ? Math.min(...oldest) : null,
      on_hold: null,
      open: own.reduce((sum, { open_batches }) => sum + open_batches, 0),
      held: own.flatMap(({ partition, held }) => (held ? [{ partition, ...held }] : [])),
    };
  });
}

async function keyedProgress({ sessions }: DataDirectory): Promise<DestinationProgress[]> {
  if (!sessions) return [];
  const { engine } = sessions;
  const [rows, progress] = await Promise.all([engine.destinations(), engine.keyed.progress()]);
  return rows.filter(isThere).map((row) => {
    const own = progress.find(({ destination_id }) => destination_id === row.destination_id);
    const on_hold = sessions.onHold(row.destination_id);
    const waiting = Math.max(0, (own?.waiting ?? 0) - (on_hold?.items ?? 0));
    return {
      engine,
      row,
      stream: row.stream as StreamName,
      waiting,
      oldest_waiting_ms: waiting === 0 ? null : (own?.oldest_waiting_ms ?? null),
      on_hold,
      open: own?.claimed ?? 0,
      held: (own?.held_groups ?? []).map(({ group, class: reason, since_ms, message }) => ({
        partition: group,
        class: reason,
        since_ms,
        message,
      })),
    };
  });
}

function isThere({ state }: DestinationRow): boolean {
  return state !== 'removed';
}
