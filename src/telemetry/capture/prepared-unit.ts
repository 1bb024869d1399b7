import type { AgentSession } from '../../agents/event.ts';
import type { Tally } from '../../redaction/report.ts';
import type { Occurrence } from './origins.ts';
import type { SpanInput } from './span-item.ts';
import type { WorkspaceContext } from './workspace-context.ts';

/**
 * A unit of a source as it will be journaled, apart from what only the journal's file can tell: which of its events are
 * copies. Made as soon as the unit is read, so that what it was read from (several times as large) is not kept while
 * other files join its group.
 */
export interface PreparedUnit {
  source_id: number;
  events: readonly PreparedEvent[];
  session: AgentSession | null;
  session_ended_ms: number | null;
  checkpoint: string;
  skipped: Readonly<Record<string, number>>;
}

export interface PreparedEvent {
  cursor: string;
  /** Native id of its session; told to the labels alone. */
  session_id: string;
  occurrence: Occurrence;
  /** Null: it belongs to what is excluded. */
  kept: KeptEvent | null;
}

export interface KeptEvent {
  context: WorkspaceContext;
  /** Hash of its session. */
  session: string;
  partition_id: number;
  payload: string;
  /** What was removed from it; null = nothing. */
  removed: Tally | null;
  /** Its part in a tool span; null = none. */
  span: SpanInput | null;
}
