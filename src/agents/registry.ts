import { basename, dirname } from 'node:path';
import { claudeSource } from './claude/index.ts';
import { codexPlaces, countCodexSessions } from './codex/places.ts';
import { countCursorSessions, cursorPlaces } from './cursor/places.ts';
import type { AgentName } from './event.ts';
import type { AgentSource, Place } from './source.ts';

/** How many of an agent's conversations are on this machine. */
export interface AgentCount {
  sessions: number;
  /** Null where only reading would tell. */
  projects: number | null;
  problems: { path: string; message: string }[];
}

/** One agent that Syncline knows. A new agent is one folder and one entry of `AGENTS`. */
export interface KnownAgent {
  agent: AgentName;
  /** The name people know it by. */
  label: string;
  /** Null while it is only found, not read. */
  source: AgentSource | null;
  /** What the first screen says beside the figures, or null. */
  note: string | null;
  places(env: Readonly<Record<string, string | undefined>>): Place[];
  /** Counts by names and folders alone; opens no transcript for it. */
  count(places: Place[]): Promise<AgentCount>;
}

export const AGENTS: readonly KnownAgent[] = [
  {
    agent: 'claude',
    label: 'Claude Code',
    source: claudeSource,
    note: null,
    places: (env) => claudeSource.places(env),
    count: countClaude,
  },
  {
    agent: 'codex',
    label: 'Codex',
    source: null,
    note: 'found, not read yet',
    places: codexPlaces,
    count: async (places) => onlySessions(await countCodexSessions(places)),
  },
  {
    agent: 'cursor',
    label: 'Cursor',
    source: null,
    note: 'records no token counts, so no cost',
    places: cursorPlaces,
    count: async (places) => onlySessions(await countCursorSessions(places)),
  },
];

/** The sources that can be read. */
export const AGENT_SOURCES: readonly AgentSource[] = AGENTS.flatMap(({ source }) => source ?? []);

/** One line of the first screen's "Found": an agent and what there is of it. */
export interface FoundAgent extends AgentCount {
  agent: AgentName;
  label: string;
  note: string | null;
  places: Place[];
}

/** What each known agent has on this machine, also nothing, in the order of `AGENTS`. Reads names only. */
export async function findAgents(env: Readonly<Record<string, string | undefined>>): Promise<FoundAgent[]> {
  return Promise.all(
    AGENTS.map(async (known) => {
      const places = known.places(env);
      const counted = await known.count(places.filter((place) => place.exists));
      return { agent: known.agent, label: known.label, note: known.note, places, ...counted };
    }),
  );
}

async function countClaude(places: Place[]): Promise<AgentCount> {
  const { files, problems } = await claudeSource.discover(places);
  const sessions = files.filter((file) => file.subagent_id === null);
  const projects = new Set(sessions.map((file) => projectFolder(dirname(file.path))));
  return { sessions: new Set(sessions.map((file) => file.session_id)).size, projects: projects.size, problems };
}

/** The project's folder of a transcript's; the legacy layout has `sessions/<id>` between (§1). */
function projectFolder(folder: string): string {
  const above = dirname(folder);
  return basename(above) === 'sessions' ? dirname(above) : folder;
}

function onlySessions(sessions: number): AgentCount {
  return { sessions, projects: null, problems: [] };
}
