import { agentsviewPlaces } from '../agents/agentsview/index.ts';
import { claudeSource } from '../agents/claude/index.ts';
import type { Environment } from '../config/environment.ts';
import { behindAt, behindText, identityAt } from './agentsview-health.ts';

/** One place where conversations may be read, and what was there (R21). */
export interface SessionPlace {
  reader: 'agentsview' | 'claude transcripts';
  path: string;
  because: string;
  exists: boolean;
  /** Conversations are read here: agentsview's first database, else Claude Code's own files. */
  in_use: boolean;
  /** A newer agentsview wrote it than is known here; it is read all the same. */
  newer: boolean;
  /** What is said of a database that stands still while transcripts go on; they are read then. */
  behind: string | null;
  /** Why it cannot be read. */
  problem: string | null;
}

/** Looks into each place; of agentsview's database only its identity is read. */
export function sessionPlaces(env: Environment, now_ms: number): SessionPlace[] {
  const databases = agentsviewPlaces(env);
  const chosen = databases.find(({ exists }) => exists);
  const transcripts = claudeSource.places(env);
  const behind = chosen === undefined ? null : behindAt(chosen.path, env, now_ms);
  const place = { newer: false, behind: null, problem: null };
  return [
    ...databases.map(({ path, because, exists }): SessionPlace => {
      const is_chosen = path === chosen?.path;
      const found = is_chosen ? identityAt(path) : place;
      const told = is_chosen && behind ? behindText(behind, now_ms) : null;
      return {
        reader: 'agentsview',
        path,
        because,
        exists,
        in_use: is_chosen && behind === null,
        ...found,
        behind: told,
      };
    }),
    ...transcripts.map(({ path, because, exists }): SessionPlace => {
      const in_use = exists && (chosen === undefined || behind !== null);
      return { ...place, reader: 'claude transcripts', path, because, exists, in_use };
    }),
  ];
}
