/** A team for tests: its salt, and how a machine joins it and a server admits it. */
import type { Machine } from './machine.ts';

export const TEAM_ID = 'acme';
/** 64 hexadecimal digits, as `keys/salt` holds them. */
export const TEAM_SALT_HEX = 'a5'.repeat(32);
export const TEAM_SALT = Uint8Array.from(Buffer.from(TEAM_SALT_HEX, 'hex'));

export interface TeamSettings {
  url: string;
  token: string;
  projects?: readonly string[];
  content?: 'none' | 'redacted';
  /** Null: none is named. */
  id?: string | null;
  /** More of the `[team]` section or after it. */
  more?: string;
}

/** Writes the configuration of a machine that has joined, as `join` will. */
export function joinTeam(machine: Machine, { url, token, projects, content, id = TEAM_ID, more }: TeamSettings): void {
  machine.write('state/team.token', `${token}\n`);
  machine.write('state/team.salt', `${TEAM_SALT_HEX}\n`);
  const globs = (projects ?? ['github.com/acme/*']).map((glob) => `"${glob}"`).join(', ');
  machine.configure(
    [
      '[team]',
      `url = "${url}"`,
      'token = { file = "team.token" }',
      'salt = { file = "team.salt" }',
      ...(id === null ? [] : [`id = "${id}"`]),
      `projects = [${globs}]`,
      '',
      '[telemetry]',
      `content = "${content ?? 'none'}"`,
      more ?? '',
      '',
    ].join('\n'),
  );
}

/** Joins, and lets the program see it once, so that everything after this moment is the team's (R2). */
export async function joinedSince(machine: Machine, settings: TeamSettings): Promise<number> {
  joinTeam(machine, settings);
  const seen = await machine.run(['status', '--json']);
  if (seen.exit !== 0) throw new Error(`status ended with ${seen.exit}: ${seen.stderr}`);
  return Date.now();
}

export interface MadeToken {
  token: string;
  token_id: string;
}

/** A token of the server's, made as an operator makes one. */
export async function makeToken(server: Machine, scope = 'ingest'): Promise<MadeToken> {
  const args = ['--member', 'ada', '--device', 'laptop', '--scope', scope, '--team', TEAM_ID];
  return server.json<MadeToken>(['token', 'create', ...args]);
}
