/** Where each agent keeps its user-level configuration (agents specification §§3.1, 4.7, 5.4), and what we put there. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { claudePlaces } from '../claude/places.ts';
import { homeOf } from '../folders.ts';
import { dirname } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

export const CONNECTABLE = ['claude', 'codex', 'cursor'] as const;
export type Connectable = (typeof CONNECTABLE)[number];

/** One file of an agent, and what of ours belongs into it. */
export interface ConfigPlace {
  agent: Connectable;
  part: 'hooks' | 'memory';
  form: 'json' | 'toml';
  file: string;
}

/**
 * Events that transcripts do not tell, or tell late. Only such as a silent observer may take: never one whose output the agent
 * uses (`WorktreeCreate`), and for Cursor, where one unknown name voids the whole file and exit 2 denies, only observers that
 * every version with hooks knows.
 */
export const HOOK_EVENTS: Readonly<Record<Connectable, readonly string[]>> = {
  claude: [
    'SessionStart',
    'UserPromptSubmit',
    'PreToolUse',
    'PostToolUse',
    'PostToolUseFailure',
    'PermissionRequest',
    'Notification',
    'Stop',
    'SubagentStop',
    'PreCompact',
    'SessionEnd',
  ],
  codex: [
    'SessionStart',
    'UserPromptSubmit',
    'PreToolUse',
    'PostToolUse',
    'PermissionRequest',
    'PreCompact',
    'SubagentStop',
    'Stop',
  ],
  cursor: ['afterShellExecution', 'afterMCPExecution', 'afterFileEdit', 'stop'],
};

/** The configuration files of the agents that were ever used here; of another agent there is no folder, and none is made. */
export function configPlaces(env: Environment): ConfigPlace[] {
  return [...ofClaude(env), ...ofCodex(env), ...ofCursor(env)];
}

/** `CLAUDE_CONFIG_DIR` moves `.claude.json` into the folder; without it, it stands beside `~/.claude`. */
function ofClaude(env: Environment): ConfigPlace[] {
  const folders = claudePlaces(env).map(({ path, because }) => ({ folder: dirname(path), because }));
  const used = folders.filter(
    ({ folder, because }) => existsSync(folder) && (because !== 'default' || endsAsClaude(folder)),
  );
  return used.flatMap(({ folder, because }) => [
    { agent: 'claude' as const, part: 'hooks' as const, form: 'json' as const, file: join(folder, 'settings.json') },
    {
      ...{ agent: 'claude' as const, part: 'memory' as const, form: 'json' as const },
      file: because === 'default' ? `${folder}.json` : join(folder, '.claude.json'),
    },
  ]);
}

/** `~/.claude`; the other default place, `~/.config/claude`, holds transcripts of some versions and no settings. */
function endsAsClaude(folder: string): boolean {
  return folder.endsWith('.claude');
}

function ofCodex(env: Environment): ConfigPlace[] {
  const home = homeOf(env);
  const folder = env['CODEX_HOME'] || (home === null ? null : join(home, '.codex'));
  if (folder === null || !existsSync(folder)) return [];
  return [
    { agent: 'codex', part: 'hooks', form: 'json', file: join(folder, 'hooks.json') },
    { agent: 'codex', part: 'memory', form: 'toml', file: join(folder, 'config.toml') },
  ];
}

function ofCursor(env: Environment): ConfigPlace[] {
  const home = homeOf(env);
  const folder = home === null ? null : join(home, '.cursor');
  if (folder === null || !existsSync(folder)) return [];
  return [
    { agent: 'cursor', part: 'hooks', form: 'json', file: join(folder, 'hooks.json') },
    { agent: 'cursor', part: 'memory', form: 'json', file: join(folder, 'mcp.json') },
  ];
}
