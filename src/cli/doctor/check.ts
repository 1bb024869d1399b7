import type { Connection } from '../../agents/connect/connections.ts';
import type { Environment } from '../../config/environment.ts';
import type { Inspection } from '../../config/load.ts';
import type { SynclinePaths } from '../../config/paths.ts';
import type { AgentPlace, SessionPlace } from '../runtime.ts';

/** What the checks look at. Everything is a value or a function, so that a test can make each fault happen. */
export interface DoctorFacts {
  node_version: string;
  sqlite_version: string;
  platform: NodeJS.Platform;
  env: Environment;
  user_home: string;
  now_ms: number;
  paths: SynclinePaths;
  inspection: Inspection;
  /** Free bytes where the state is kept. */
  free_bytes: () => number;
  agentPlaces: () => Promise<AgentPlace[]>;
  /** What of ours stands in the agents' files. */
  connections: () => Connection[];
  sessionPlaces: () => Promise<SessionPlace[]>;
  /** Whether the daemon answers; asked only when something holds the lock. */
  daemonAnswers: () => Promise<boolean>;
}

export interface Finding {
  state: 'ok' | 'warn' | 'fault';
  /** What was found, as a half-sentence. */
  found: string;
  /** What to do about it. Every `warn` and `fault` has one. */
  advice?: string;
}

export interface Check {
  name: string;
  run(facts: DoctorFacts): Finding[] | Promise<Finding[]>;
}

export const ok = (found: string): Finding => ({ state: 'ok', found });
export const warn = (found: string, advice: string): Finding => ({ state: 'warn', found, advice });
export const fault = (found: string, advice: string): Finding => ({ state: 'fault', found, advice });
