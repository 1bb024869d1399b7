import type { Hashing } from '../redaction/hashing.ts';
import { saltOf } from '../telemetry/salts.ts';
import { teamSalt } from './destinations.ts';
import type { DirectoryOptions } from './directory-options.ts';
import { machineSalt, teamBeginning } from './home.ts';

/**
 * The salt that is in force now, as telemetry has it: the team's once that has begun, else the machine's own. Read from the files
 * beside the journal, so that memories need no journal of others.
 */
export function saltInForce(options: DirectoryOptions): Uint8Array {
  const { paths, random, clock } = options;
  const team = teamSalt(options);
  const beginning = teamBeginning(paths).read();
  if (team !== null && beginning?.salt_id === team.salt_id && clock.now_ms() >= beginning.began_ms) return team.bytes;
  return saltOf(machineSalt(paths, random)).bytes;
}

/** A session's hash as telemetry carries it (R20). */
export function sessionHasher(options: DirectoryOptions, hashing: Hashing): (session_id: string) => string {
  const salt = saltInForce(options);
  return (session_id) => hashing.hashWithSalt(salt, session_id);
}
