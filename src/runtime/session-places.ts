import { agentsviewPlaces, isNewerThanKnown, openAgentsview, sourceIdentity } from '../agents/agentsview/index.ts';
import { claudeSource } from '../agents/claude/index.ts';
import type { Environment } from '../config/environment.ts';
import { SynclineError } from '../platform/errors.ts';

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
  /** Why it cannot be read. */
  problem: string | null;
}

/** Looks into each place; of agentsview's database only its identity is read. */
export function sessionPlaces(env: Environment): SessionPlace[] {
  const databases = agentsviewPlaces(env);
  const chosen = databases.find(({ exists }) => exists);
  const place = { newer: false, problem: null };
  return [
    ...databases.map(({ path, because, exists }): SessionPlace => {
      const in_use = path === chosen?.path;
      const found = in_use ? identityAt(path) : place;
      return { reader: 'agentsview', path, because, exists, in_use, ...found };
    }),
    ...claudeSource.places(env).map(({ path, because, exists }): SessionPlace => {
      const in_use = exists && chosen === undefined;
      return { ...place, reader: 'claude transcripts', path, because, exists, in_use };
    }),
  ];
}

function identityAt(path: string): Pick<SessionPlace, 'newer' | 'problem'> {
  try {
    using database = openAgentsview(path);
    return { newer: isNewerThanKnown(sourceIdentity(database)), problem: null };
  } catch (error) {
    if (error instanceof SynclineError) return { newer: false, problem: error.message };
    throw error;
  }
}
