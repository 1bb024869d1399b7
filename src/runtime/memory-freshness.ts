import { UnreachableError } from '../platform/errors.ts';
import { isWithin } from '../memory/origin.ts';
import type { Replica } from '../memory/replica.ts';
import { readReadToken, writeReadToken } from '../memory/replication/read-level.ts';
import type { MemoryFreshness } from '../server/memory-freshness.ts';

/** Of a member without peers: it has all there is, but not what a token of another, or of a restored past, names. */
export function freshnessAlone(replica: Pick<Replica, 'vector'>): MemoryFreshness {
  return {
    members: () => 1,
    token: () => writeReadToken(replica.vector()),
    barrier: async (level) => {
      if (level.level !== 'session' || isWithin(readReadToken(level.token), replica.vector())) return;
      throw new UnreachableError('memory.behind', 'This member does not have what the read must see', {
        hint: 'It has no peers that could bring it; read level local shows what is here.',
      });
    },
  };
}
