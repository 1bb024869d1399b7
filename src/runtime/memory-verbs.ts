/** Memories asked from another process: one verb of the operator, whose call names the method. */
import { z } from 'zod';
import { SynclineError, UsageError } from '../platform/errors.ts';
import { TitleConflictError } from '../memory/memories.ts';
import { MEMORY_METHODS, type MemoryAccess, type MemoryMethod } from '../memory/memory-access.ts';

export interface MemoryCall {
  method: MemoryMethod;
  /** As the method takes them; null stands for one that is left out, as JSON has no other word. */
  arguments: readonly unknown[];
}

/** `conflict`: the title is taken by the memory of this id. Other refusals are errors like those of every verb. */
export type MemoryOutcome = { value: unknown } | { conflict: string };

export interface MemoryVerbs {
  /** @throws SynclineError as `Memories`; `memory.off` where none are kept; UsageError `memory.call` */
  memory(call: MemoryCall): Promise<MemoryOutcome>;
}

const memoryCall = z.object({ method: z.enum(MEMORY_METHODS), arguments: z.array(z.unknown()) });

type AnyMethod = (...values: unknown[]) => Promise<unknown>;

/** Carries out one call. The operation log of memories is the record of who did what; no operator action is written besides. */
export function memoryVerbs(access: MemoryAccess | null): MemoryVerbs {
  return {
    memory: async (written) => {
      if (!access) throw notKept();
      const call = memoryCall.safeParse(written);
      if (!call.success)
        throw new UsageError('memory.call', 'There is no such method of memories', { field: 'method' });
      const values = call.data.arguments.map((value) => (value === null ? undefined : value));
      try {
        return { value: (await (access[call.data.method] as AnyMethod)(...values)) ?? null };
      } catch (error) {
        if (error instanceof TitleConflictError) return { conflict: error.existing_id };
        throw error;
      }
    },
  };
}

/** The other end: memories of a running Syncline by its verb. */
export function memoriesOf(verbs: MemoryVerbs): MemoryAccess {
  const call = async (method: MemoryMethod, values: readonly unknown[]): Promise<unknown> => {
    const outcome = await verbs.memory({ method, arguments: values });
    if ('conflict' in outcome) throw new TitleConflictError(outcome.conflict);
    return outcome.value;
  };
  // Each method as the interface has it: the other end is the same program over the same type.
  return Object.fromEntries(
    MEMORY_METHODS.map((method) => [method, (...values: unknown[]) => call(method, values)]),
  ) as unknown as MemoryAccess;
}

export function notKept(): SynclineError {
  return new SynclineError('memory.off', 'Memories are not kept on this machine', {
    hint: 'Set `keep = true` under [memory] and start Syncline again.',
  });
}
