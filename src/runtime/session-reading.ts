import { agentsviewPlaces } from '../agents/agentsview/index.ts';
import { claudeSource } from '../agents/claude/index.ts';
import type { EngineStore } from '../engine/store.ts';
import { AGENTSVIEW, AgentsviewSource } from '../sessions/capture/agentsview-source.ts';
import { ClaudeSource } from '../sessions/capture/claude-source.ts';
import type { SessionSource } from '../sessions/capture/session-source.ts';
import { SessionSweep } from '../sessions/capture/session-sweep.ts';
import type { Database } from '../storage/sqlite/database.ts';
import { AgentsviewHealth } from './agentsview-health.ts';
import { sourceStatus } from './session-source-status.ts';
import type { SessionsDirectory } from './sessions-directory.ts';
import type { SessionsInputs } from './sessions-inputs.ts';

/** Where conversations are read, what is known of them, and what people are told of that. A server reads none. */
export interface SessionReading {
  sources: readonly SessionSource[];
  sweep: SessionSweep;
  /** What the directory tells and does of it. */
  verbs: Pick<SessionsDirectory, 'watched' | 'sources' | 'warnings' | 'replay'>;
}

/** `device` names this installation in the keys of its sessions. */
export function openSessionReading(
  { options, hashing }: SessionsInputs,
  { db, store, device }: { db: Database; store: EngineStore; device: string },
): SessionReading {
  const { clock, timers, env, captures } = options;
  const sources = captures ? sourcesOf(options) : [];
  const agentsview = new AgentsviewHealth(env, clock);
  const isBehind = ({ name }: SessionSource): boolean => name === AGENTSVIEW && agentsview.is_behind;
  const sweep = new SessionSweep({ db, store, clock, timers, hashing, device, sources, isBehind });
  return {
    sources,
    sweep,
    verbs: {
      watched: () => sources.flatMap((source) => (source.exists() ? source.watched() : [])),
      sources: () => sweep.status().map(sourceStatus),
      warnings: () => (captures ? agentsview.warnings() : []),
      replay: async (confirm_vanished) => readAllAgain(sweep, confirm_vanished ? sources : []),
    },
  };
}

/** Gives back what the sources hold open. */
export function closeSessionReading({ sources }: SessionReading): void {
  for (const source of sources) (source as Partial<Disposable>)[Symbol.dispose]?.();
}

/** agentsview has every agent's sessions; without it, those of Claude Code are read from its own files. */
function sourcesOf({ env, timers }: SessionsInputs['options']): SessionSource[] {
  return [
    new AgentsviewSource({ places: () => agentsviewPlaces(env), timers }),
    new ClaudeSource({ places: () => claudeSource.places(env), timers }),
  ];
}

/** Has every session read and compared again; of `vanished` sources also those that are missing are believed to be gone. */
function readAllAgain(sweep: SessionSweep, vanished: readonly SessionSource[]): { sessions: number } {
  for (const { name } of vanished) sweep.acceptVanished(name);
  sweep.force();
  return { sessions: sweep.known.totals().reduce((sum, { sessions }) => sum + sessions, 0) };
}
