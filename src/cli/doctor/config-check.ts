import type { Config } from '../../config/schema.ts';
import { formatProblem } from '../../config/problems.ts';
import { missingSalts, NO_SALT_HINT, OTHER_SALT_HINT, otherSalts } from '../../config/salts.ts';
import { resolveSecret } from '../../config/secret.ts';
import type { SecretReference } from '../../config/fields.ts';
import { SynclineError } from '../../platform/errors.ts';
import { shortPath } from '../screen/short-path.ts';
import { fault, ok, warn, type Check, type DoctorFacts, type Finding } from './check.ts';

/** The file, and whether every secret that it names is there and private. */
export const configCheck: Check = {
  name: 'Config',
  run: (facts) => {
    const { inspection, paths, user_home } = facts;
    if (inspection.loaded === null)
      return inspection.problems.map((problem) =>
        fault(formatProblem(problem), 'Correct it; every key: docs/configuration.md.'),
      );
    const file = shortPath(paths.config_file, user_home);
    const found = inspection.loaded.file_exists
      ? `${file} is valid`
      : `${file} is not there: defaults, and nothing leaves`;
    return [
      ok(found),
      ...inspection.loaded.notes.map((note) => warn(note, 'Remove the section, or leave it for a later version.')),
      ...missingSalts(inspection.loaded).map(({ message }) => fault(message, NO_SALT_HINT)),
      ...otherSalts(inspection.loaded, facts.env).map(({ message }) => fault(message, OTHER_SALT_HINT)),
      ...secretsOf(inspection.loaded.config).flatMap(([key, reference]) => secretFinding(key, reference, facts)),
    ];
  },
};

function secretsOf({ team, telemetry, memory }: Config): [key: string, reference: SecretReference][] {
  const found: [string, SecretReference][] = [];
  if (team !== undefined) found.push(['team.token', team.token]);
  if (team?.salt !== undefined) found.push(['team.salt', team.salt]);
  telemetry.destination.forEach((destination, index) => {
    if (destination.type !== 'server') return;
    found.push([`telemetry.destination[${index}].token`, destination.token]);
    found.push([`telemetry.destination[${index}].salt`, destination.salt]);
  });
  const { api_key, peer } = memory.compat;
  if (api_key !== undefined) found.push(['memory.compat.api_key', api_key]);
  peer.forEach((one, index) => {
    if (one.api_key !== undefined) found.push([`memory.compat.peer[${index}].api_key`, one.api_key]);
  });
  return found;
}

function secretFinding(key: string, reference: SecretReference, { paths, env }: DoctorFacts): Finding[] {
  try {
    resolveSecret(reference, { key, config_file: paths.config_file, env });
    return [];
  } catch (error) {
    if (!(error instanceof SynclineError)) throw error;
    return [fault(error.message, error.hint ?? 'Put the secret there.')];
  }
}
