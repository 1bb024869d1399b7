/**
 * How fresh a read must be. `local`: what is here. `session`: at least what the caller saw or wrote before, told by a
 * token. `quorum`: at least what any write had that was acknowledged by enough members before the read began.
 */
import { InvalidInputError } from '../../platform/errors.ts';
import { isOrigin, type VersionVector } from '../origin.ts';
import { WIRE_LIMITS } from './limits.ts';

export type ReadLevel = { level: 'local' } | { level: 'session'; token: string } | { level: 'quorum'; members: number };

/** A vector as text that fits into a header. */
export function writeReadToken(vector: VersionVector): string {
  return Object.entries(vector)
    .map(([origin, sequence]) => `${origin}:${sequence}`)
    .join(',');
}

/** @throws InvalidInputError `memory.read_token` */
export function readReadToken(token: string): VersionVector {
  const parts = token === '' ? [] : token.split(',');
  const vector = parts.map((part) => {
    const [origin = '', sequence = ''] = part.split(':');
    if (!isOrigin(origin) || !/^\d{1,15}$/.test(sequence)) throw wrongToken();
    return [origin, Number(sequence)] as const;
  });
  if (vector.length > WIRE_LIMITS.max_origins) throw wrongToken();
  return Object.fromEntries(vector);
}

function wrongToken(): InvalidInputError {
  return new InvalidInputError('memory.read_token', 'The token of the session is none that a member gave', {
    field: 'token',
    hint: 'Send the value of the last answer, or read without one.',
  });
}

/** Members to ask so that any write acknowledged by `write_quorum` of them is seen: R + W > N. */
export function readQuorum(members: number, write_quorum: number): number {
  return members - write_quorum + 1;
}
