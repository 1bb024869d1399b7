/** Fetching a secret that the configuration names. The only place where its value enters the program. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { UsageError } from '../platform/errors.ts';
import type { Environment } from './environment.ts';
import type { SecretReference } from './fields.ts';

/** `<secret from file team.token>`, `<secret from env TEAM_TOKEN>`: all that is ever printed of one. */
export function describeSecret(reference: SecretReference): string {
  return 'file' in reference ? `<secret from file ${reference.file}>` : `<secret from env ${reference.env}>`;
}

/**
 * The secret itself, without line ends around it. A relative file stands beside the configuration file.
 * @throws UsageError `secret.missing`, `secret.empty`, or `secret.readable` when others than its owner can read the file.
 */
export function resolveSecret(
  reference: SecretReference,
  from: { key: string; config_file: string; env: Environment },
): string {
  const value = 'file' in reference ? readSecretFile(reference.file, from) : from.env[reference.env];
  const named = describeSecret(reference).slice(1, -1);
  if (value === undefined)
    throw new UsageError('secret.missing', `${from.key}: the ${named} is not set.`, { field: from.key });
  const secret = value.trim();
  if (secret === '') throw new UsageError('secret.empty', `${from.key}: the ${named} is empty.`, { field: from.key });
  return secret;
}

function readSecretFile(file: string, { key, config_file }: { key: string; config_file: string }): string {
  const path = isAbsolute(file) ? file : join(dirname(config_file), file);
  try {
    const open_to = statSync(path).mode & 0o077;
    if (open_to !== 0)
      throw new UsageError('secret.readable', `${key}: others can read the secret file ${file}.`, {
        field: key,
        hint: `chmod 600 ${path}`,
      });
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError('secret.missing', `${key}: the secret file ${file} cannot be read (${code ?? 'unknown'}).`, {
      field: key,
      hint: `It is looked for at ${path}.`,
      cause: error,
    });
  }
}
