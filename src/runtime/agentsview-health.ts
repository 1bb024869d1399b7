import {
  agentsviewDatabaseAt,
  agentsviewPlaces,
  isNewerThanKnown,
  openAgentsview,
  sourceIdentity,
} from '../agents/agentsview/index.ts';
import { claudeSource } from '../agents/claude/index.ts';
import type { Environment } from '../config/environment.ts';
import type { Clock } from '../platform/clock.ts';
import { SynclineError } from '../platform/errors.ts';
import { agentsviewBehind, type Behind } from '../sessions/capture/agentsview-behind.ts';

/** How old an answer may be. */
const FRESH_MS = 10 * 60_000;

/** What is to be known of agentsview besides its sessions; asked with every round, found out now and then. */
export class AgentsviewHealth {
  readonly #env: Environment;
  readonly #clock: Clock;
  #found: { at_ms: number; behind: Behind | null; newer: boolean } | null = null;

  constructor(env: Environment, clock: Clock) {
    this.#env = env;
    this.#clock = clock;
  }

  /** Its database stands still while Claude Code goes on. */
  get is_behind(): boolean {
    return this.#look().behind !== null;
  }

  /** What `status` says of it. */
  warnings(): string[] {
    const { behind, newer } = this.#look();
    return [
      ...(behind === null ? [] : [behindText(behind, this.#clock.now_ms())]),
      ...(newer
        ? ['a newer agentsview than is known wrote its database; it is read all the same: update Syncline']
        : []),
    ];
  }

  #look(): { behind: Behind | null; newer: boolean } {
    const at_ms = this.#clock.monotonic_ms();
    if (this.#found && at_ms - this.#found.at_ms < FRESH_MS) return this.#found;
    const database = agentsviewDatabaseAt(agentsviewPlaces(this.#env));
    const behind = database === null ? null : behindAt(database, this.#env, this.#clock.now_ms());
    const newer = database !== null && identityAt(database).newer;
    this.#found = { at_ms, behind, newer };
    return this.#found;
  }
}

/** Whether the database at `path` is behind the transcripts of this environment. */
export function behindAt(path: string, env: Environment, now_ms: number): Behind | null {
  const folders = claudeSource.places(env).filter(({ exists }) => exists);
  return agentsviewBehind(
    path,
    folders.map(({ path: folder }) => folder),
    now_ms,
  );
}

/** `agentsview wrote nothing for 5 days, …` */
export function behindText({ written_ms }: Behind, now_ms: number): string {
  const days = Math.floor((now_ms - written_ms) / 86_400_000);
  return (
    `agentsview has written nothing for ${days} days while Claude Code goes on: its transcripts are read instead, ` +
    'and what other agents say since then is not; start agentsview to have it again'
  );
}

/** What can be told of a database without reading it. */
export function identityAt(path: string): { newer: boolean; problem: string | null } {
  try {
    using database = openAgentsview(path);
    return { newer: isNewerThanKnown(sourceIdentity(database)), problem: null };
  } catch (error) {
    if (error instanceof SynclineError) return { newer: false, problem: error.message };
    throw error;
  }
}
