import type { AgentName } from '../agents/event.ts';
import type { Environment } from '../config/environment.ts';
import { AGENT_SOURCES } from '../agents/registry.ts';

/** One place where an agent may keep its files, and what was there (R21). */
export interface AgentPlace {
  agent: AgentName;
  path: string;
  because: string;
  exists: boolean;
  /** Null where the place cannot be read. */
  files: number | null;
  problem: string | null;
}

/** Looks into each place, reads no transcript. */
export async function agentPlaces(env: Environment): Promise<AgentPlace[]> {
  const places = AGENT_SOURCES.flatMap((source) => source.places(env).map((place) => ({ source, place })));
  return Promise.all(
    places.map(async ({ source, place }) => {
      if (!place.exists) return { ...place, files: null, problem: null };
      const { files, problems } = await source.discover([place]);
      const [problem] = problems;
      return { ...place, files: problem ? null : files.length, problem: problem?.message ?? null };
    }),
  );
}
