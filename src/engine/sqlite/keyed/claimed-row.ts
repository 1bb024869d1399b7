import { nextTaskState, type TaskEvent } from '../../keyed/states.ts';

/** A claimed task as its settlement needs it. */
export interface ClaimedRow {
  destination_id: string;
  key: string;
  fence: number;
  key_group: string;
  wanted: number;
  claimed: number;
  attempts: number;
  failures: number;
  refused_fence: number | null;
  dead_letter_id: string | null;
  partition_id: number;
  offset: number;
  subject: string | null;
}

/** The columns that end a claim. */
export function moved(event: TaskEvent): string {
  return `state = '${nextTaskState('claimed', event)}', owner = NULL, lease_until_ms = NULL`;
}
