import { SynclineError } from '../platform/errors.ts';
import type { Environment } from './environment.ts';
import type { SecretReference } from './fields.ts';
import type { LoadedConfig } from './load.ts';
import type { ConfigProblem } from './problems.ts';
import { resolveSecret } from './secret.ts';

/** What to do about a destination with a salt of its own. */
export const OTHER_SALT_HINT =
  'Give it the salt of the team, or send to the other team from a profile of its own (--profile NAME).';

/**
 * Destinations whose salt is not the one in force, which is the first that is configured: a machine hashes under one
 * salt, and a destination takes only what was hashed under its own (R2), so such a one would get nothing without a word.
 * A salt that cannot be read is not judged here; whoever needs it says so.
 */
export function otherSalts({ config, file }: LoadedConfig, env: Environment): ConfigProblem[] {
  const named: [key: string, reference: SecretReference][] = config.team?.salt ? [['team.salt', config.team.salt]] : [];
  config.telemetry.destination.forEach((destination, index) => {
    if (destination.type === 'server') named.push([`telemetry.destination[${index}].salt`, destination.salt]);
  });
  const [first, ...others] = named.flatMap(([key, reference]) => {
    const value = valueOf(reference, { key, config_file: file, env });
    return value === null ? [] : [{ key, value }];
  });
  return others
    .filter(({ value }) => value !== first?.value)
    .map(({ key }) => ({
      key,
      message: `${key} is not the same as ${first?.key}: a machine hashes under one salt, so nothing would be sent there`,
      origin: { kind: 'default' },
    }));
}

/** What to do about a team without a salt. */
export const NO_SALT_HINT =
  'Ask whoever runs the team server for its salt, put it into a file beside the configuration, and name that: salt = { file = "team.salt" }.';

/**
 * A team that is named without its salt: what is hashed under the machine's own is never sent to a team (R2), so that one
 * would get nothing without a word.
 */
export function missingSalts({ config, origins }: LoadedConfig): ConfigProblem[] {
  if (!config.team || config.team.salt) return [];
  const message =
    'team.salt is missing: a team takes only what was hashed under its salt, so nothing would be sent to it';
  return [{ key: 'team.salt', message, origin: origins.get('team.url') ?? { kind: 'default' } }];
}

function valueOf(reference: SecretReference, from: Parameters<typeof resolveSecret>[1]): string | null {
  try {
    return resolveSecret(reference, from).toLowerCase();
  } catch (error) {
    if (error instanceof SynclineError) return null;
    throw error;
  }
}
