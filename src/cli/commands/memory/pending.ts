/** `memory pending list|approve|reject` */
import { EXIT, type ExitCode } from '../../../platform/errors.ts';
import { given } from '../../../memory/given.ts';
import type { PendingAction, PendingStatus } from '../../../memory/memory.ts';
import type { CommandContext } from '../../context.ts';
import { renderTable, type Column } from '../../format/table.ts';
import { formatRecent } from '../../format/time.ts';
import type { Invocation } from '../../invocation.ts';
import { tellWritten, writingOf } from './calling.ts';

export async function list(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const status = (invocation.text('status') ?? 'pending') as PendingStatus;
  const query = given({ status, limit: invocation.number('limit') ?? undefined });
  const pending = await context.withMemories((access) => access.pending(query));
  if (context.options.json) context.printJson('syncline.memory-pending/1', { pending });
  else if (pending.length === 0) context.say(`No action is ${status}.`);
  else context.print(...renderTable(columns(context.now_ms()), pending, context.width(), context.palette));
  return EXIT.ok;
}

function columns(now_ms: number): Column<PendingAction>[] {
  return [
    { title: 'id', text: ({ id }) => id },
    { title: 'asked', text: ({ requested_at }) => formatRecent(Date.parse(requested_at), now_ms) },
    { title: 'by', text: ({ requested_by }) => requested_by, shrink_to: 8 },
    { title: 'what', text: ({ action_type }) => action_type },
    { title: 'namespace', text: ({ namespace }) => namespace, shrink_to: 8 },
    { title: 'about', text: ({ memory_id, payload }) => memory_id ?? titleOf(payload), shrink_to: 12 },
    { title: 'votes', text: ({ approvals }) => String(approvals.length), align: 'right', from_width: 90 },
  ];
}

function titleOf({ title }: PendingAction['payload']): string {
  return typeof title === 'string' ? title : '';
}

export async function approve(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  return context.withMemories(async (access) => {
    const id = invocation.argument(0) ?? '';
    const written = await access.approve(id, await writingOf(access, context, invocation));
    const { decided, votes, votes_needed, executed } = written.result;
    const words = decided
      ? `Approved${executed ? ' and carried out' : ''}.`
      : `${votes} of ${votes_needed} votes; it waits for the others.`;
    return tellWritten(context, invocation, access, {
      ...{ written, schema: 'syncline.memory-decision/1', answer: written.result, words },
    });
  });
}

export async function reject(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  return context.withMemories(async (access) => {
    const id = invocation.argument(0) ?? '';
    const written = await access.reject(id, await writingOf(access, context, invocation));
    return tellWritten(context, invocation, access, {
      ...{ written, schema: 'syncline.memory-decision/1', answer: written.result, words: 'Rejected.' },
    });
  });
}
