import type { AgentSource, ReadLimits } from '../source.ts';
import { discoverTranscripts } from './discover.ts';
import { claudePlaces } from './places.ts';
import { readTranscript } from './reader.ts';

/** Steps of 4 MiB take some 40 ms; lines beyond 32 MiB are pictures, which no event is made of. */
export const CLAUDE_READ_LIMITS: ReadLimits = { max_bytes: 4 * 1024 * 1024, max_line_bytes: 32 * 1024 * 1024 };

/** Claude Code: its transcripts under `projects/`. */
export const claudeSource: AgentSource = {
  agent: 'claude',
  places: claudePlaces,
  discover: discoverTranscripts,
  read: readTranscript,
};
