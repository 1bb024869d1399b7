/** Who calls a command over memories, and how its answer tells how far a write has got. */
import { EXIT, SynclineError, UsageError, type ExitCode } from '../../../platform/errors.ts';
import { checkAgentId } from '../../../memory/fields.ts';
import { sessionOfEnvironment } from '../../../memory/mcp/calling-session.ts';
import type { Caller, Governed, WriteOptions, Written } from '../../../memory/memories.ts';
import type { Memory } from '../../../memory/memory.ts';
import type { MemoryAccess } from '../../../memory/memory-access.ts';
import type { Receipt } from '../../../memory/durability.ts';
import type { CommandContext } from '../../context.ts';
import { formatItems } from '../../format/count.ts';
import { safe } from '../../format/safe.ts';
import type { Invocation } from '../../invocation.ts';

/** `--as`, else the agent in whose shell the command runs, else a person: `user`. */
export function agentOf({ host }: CommandContext, invocation: Invocation): string {
  const said = invocation.text('as');
  if (said === null) return host.env['CLAUDECODE'] ? 'claude' : 'user';
  try {
    return checkAgentId('--as', said);
  } catch (cause) {
    throw new UsageError('usage.agent', (cause as Error).message, { field: '--as', cause });
  }
}

/** `--session`, else what the environment says (R20). */
export function sessionOf({ host }: CommandContext, invocation: Invocation): string | undefined {
  return invocation.text('session') ?? sessionOfEnvironment(host.env);
}

export async function callerOf(access: MemoryAccess, context: CommandContext, invocation: Invocation): Promise<Caller> {
  return access.callerOf(agentOf(context, invocation), sessionOf(context, invocation));
}

export async function writingOf(
  access: MemoryAccess,
  context: CommandContext,
  invocation: Invocation,
): Promise<WriteOptions> {
  const caller = await callerOf(access, context, invocation);
  const key = invocation.text('key');
  return key === null ? { caller } : { caller, idempotency_key: `cli ${key}` };
}

/** By id or the beginning of one. @throws SynclineError `memory.not_found`, `memory.ambiguous` */
export async function knownMemory(access: MemoryAccess, id: string): Promise<Memory> {
  const memory = await access.get(id);
  if (memory) return memory;
  throw new SynclineError('memory.not_found', 'There is no memory with this id', {
    hint: '`syncline memory list` shows them; the beginning of an id is enough.',
    field: 'id',
  });
}

/**
 * Tells what a write did: in JSON with its receipt, or in words. Exit 1 when `--quorum` asked for more machines than have it;
 * it is written here all the same and goes on to them.
 */
export async function tellWritten(
  context: CommandContext,
  invocation: Invocation,
  access: MemoryAccess,
  { written, schema, answer, words }: { written: Written<unknown>; schema: string; answer: object; words: string },
): Promise<ExitCode> {
  const wanted = invocation.number('quorum');
  const receipt = await reached(access, written.receipt, wanted);
  const { redacted, replayed } = written;
  if (context.options.json) context.printJson(schema, { ...answer, receipt, redacted, replayed });
  else {
    context.say(`${words} On ${receipt.durable_on} of ${formatItems(receipt.members, 'machine')}.`);
    const removed = Object.entries(redacted).map(([rule, count]) => `${safe(rule)} ${count}`);
    if (removed.length > 0) context.say(`Removed before it was stored: ${removed.join(', ')}.`);
    if (replayed) context.say('This key came before: nothing was written again.');
  }
  if (wanted === null || receipt.durable_on >= wanted || receipt.operation === null) return EXIT.ok;
  context.say(`Not yet on ${wanted}: it is written here and goes on to the others.`);
  return EXIT.no;
}

async function reached(access: MemoryAccess, receipt: Receipt, wanted: number | null): Promise<Receipt> {
  const { write_quorum, quorum_timeout_ms } = await access.settings();
  const members = wanted ?? write_quorum;
  const { operation, durable_on } = receipt;
  if (operation === null || durable_on >= members || members > receipt.members) return receipt;
  return access.waitDurable(operation, members, quorum_timeout_ms);
}

/** The words for what a policy holds back. */
export function pendingWords<T>(result: Governed<T>): string | null {
  return result.status === 'pending' ? `Waits for a yes, as ${result.pending_id}: syncline memory pending list.` : null;
}
