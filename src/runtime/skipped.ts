import type { SourceStatus } from './operator.ts';

/** What was passed over, by what it means to a person. */
export interface PassedOver {
  /** Turns that forks and resumes copied, and that count for the session that had them first (R4): nothing is missing. */
  copies: number;
  /** Events that the configuration or a repository leaves out. */
  excluded: number;
  /** Everything that could not be used. */
  lines: number;
}

/** Parts the counts by reason. */
export function passedOver({ copy = 0, excluded = 0, ...rest }: SourceStatus['skipped']): PassedOver {
  return { copies: copy, excluded, lines: Object.values(rest).reduce((sum, count) => sum + count, 0) };
}
