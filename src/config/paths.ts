/** Where Syncline keeps its configuration and its state (product page §2). The only module that knows. */
import { isAbsolute, join, resolve } from 'node:path';
import { UsageError } from '../platform/errors.ts';
import type { Environment } from './environment.ts';

export interface PathInputs {
  env: Environment;
  /** The user's home as the system says, used where `HOME` is not set. */
  user_home: string;
  cwd: string;
  /** `--home`: as if `SYNCLINE_HOME` were set to it. */
  home?: string | undefined;
  /** `--config`. */
  config?: string | undefined;
  /** `--profile`. */
  profile?: string | undefined;
}

export interface SynclinePaths {
  /** The state directory, 0700. */
  home: string;
  config_file: string;
  /** True when the file was named by `--config` and so must exist. */
  config_required: boolean;
  profile: string | null;
  engine_db: string;
  store_db: string;
  labels_db: string;
  /** Journal of the sessions stream; holds no text. */
  sessions_db: string;
  /** The local store of conversations. */
  session_store_db: string;
  /** Memories: their journal and their rows. */
  memory_db: string;
  /** What nodes of ai-memory are known to have, and what waits for them; holds no text of a memory. */
  memory_compat_db: string;
  spool_dir: string;
  keys_dir: string;
  log_dir: string;
}

const PROFILE = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;

/**
 * State in `$SYNCLINE_HOME`, else `$XDG_DATA_HOME/syncline`; configuration in `$SYNCLINE_HOME`, else
 * `$XDG_CONFIG_HOME/syncline`; a profile in `profiles/NAME` below both. The same on Linux and macOS.
 * @throws UsageError `profile.name`
 */
export function resolvePaths(inputs: PathInputs): SynclinePaths {
  const { env, cwd, profile } = inputs;
  if (profile !== undefined && !PROFILE.test(profile))
    throw new UsageError('profile.name', `The profile name ${JSON.stringify(profile)} is not usable.`, {
      hint: 'Use letters, digits, - and _, like --profile work.',
      field: '--profile',
    });
  const below = profile === undefined ? [] : ['profiles', profile];
  const chosen = inputs.home ?? nonEmpty(env['SYNCLINE_HOME']);
  const user_home = nonEmpty(env['HOME']) ?? inputs.user_home;
  const state_root = chosen ?? join(xdg(env['XDG_DATA_HOME'], user_home, '.local', 'share'), 'syncline');
  const config_root = chosen ?? join(xdg(env['XDG_CONFIG_HOME'], user_home, '.config'), 'syncline');
  const home = resolve(cwd, state_root, ...below);
  return {
    home,
    config_file:
      inputs.config === undefined ? resolve(cwd, config_root, ...below, 'config.toml') : resolve(cwd, inputs.config),
    config_required: inputs.config !== undefined,
    profile: profile ?? null,
    engine_db: join(home, 'engine.db'),
    store_db: join(home, 'store.db'),
    labels_db: join(home, 'labels.db'),
    sessions_db: join(home, 'sessions.db'),
    session_store_db: join(home, 'session-store.db'),
    memory_db: join(home, 'memory.db'),
    memory_compat_db: join(home, 'memory-compat.db'),
    spool_dir: join(home, 'spool'),
    keys_dir: join(home, 'keys'),
    log_dir: join(home, 'log'),
  };
}

/**
 * A program started by a test runner must never touch the real home (R27).
 * @throws UsageError `test.home`
 */
export function refuseRealHomeUnderTest(env: Environment): void {
  if (!env['VITEST'] || env['SYNCLINE_HOME']) return;
  throw new UsageError('test.home', 'Syncline was started by a test runner (VITEST) without SYNCLINE_HOME.', {
    hint: 'Set SYNCLINE_HOME to a temporary folder, so that the test cannot touch a real home.',
  });
}

/** The XDG specification wants absolute paths and says that others are to be ignored. */
function xdg(value: string | undefined, user_home: string, ...fallback: string[]): string {
  return value !== undefined && isAbsolute(value) ? value : join(user_home, ...fallback);
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
