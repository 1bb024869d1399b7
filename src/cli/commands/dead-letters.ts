/** `dead-letters list|show|retry|discard` */
import { EXIT, type ExitCode } from '../../platform/errors.ts';
import type { DeadLetterFilter, DeadLetterRow } from '../../runtime/operator.ts';
import type { CommandContext } from '../context.ts';
import { formatItems } from '../format/count.ts';
import { safe } from '../format/safe.ts';
import { renderTable, type Column } from '../format/table.ts';
import { formatDayTime, formatRecent } from '../format/time.ts';
import { streamArgument, type Invocation } from '../invocation.ts';
import { confirmed } from '../prompts.ts';

export async function list(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  if (isRecords(invocation)) return (await import('./records/dead-letters.ts')).list(context, invocation);
  const state = (invocation.text('state') ?? 'open') as DeadLetterRow['state'];
  const limit = invocation.number('limit');
  const filter = { ...filterOf(invocation), state, ...(limit === null ? {} : { limit }) };
  const rows = await context.withOperator((operator) => operator.deadLetters(filter));
  if (context.options.json) context.printJson('syncline.dead-letters/1', { dead_letters: rows });
  else printRows(context, rows, `There are no ${state} dead letters.`);
  return EXIT.ok;
}

export function printRows(context: CommandContext, rows: readonly DeadLetterRow[], none: string): void {
  if (rows.length === 0) return context.say(none);
  context.print(...renderTable(columns(context.now_ms()), rows, context.width(), context.palette));
}

function columns(now_ms: number): Column<DeadLetterRow>[] {
  return [
    { title: 'id', text: ({ dead_letter_id }) => dead_letter_id },
    { title: 'when', text: ({ at_ms }) => formatRecent(at_ms, now_ms) },
    { title: 'destination', text: ({ destination }) => destination ?? 'capture', shrink_to: 8 },
    { title: 'tries', text: ({ attempts }) => String(attempts), align: 'right' },
    { title: 'reason', text: ({ code, message }) => `${code}: ${message}`, shrink_to: 12 },
  ];
}

export async function show(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  if (isRecords(invocation)) return (await import('./records/dead-letters.ts')).show(context, invocation);
  const id = invocation.argument(0) ?? '';
  const letter = await context.withOperator((operator) => operator.deadLetter(id));
  if (context.options.json) {
    context.printJson('syncline.dead-letter/1', letter);
    return EXIT.ok;
  }
  const { item_error } = letter;
  const facts: [string, string][] = [
    ['id', letter.dead_letter_id],
    ['when', formatDayTime(letter.at_ms)],
    ['state', letter.state],
    ['stream', letter.stream],
    ['destination', letter.destination ?? 'none: refused at capture'],
    ['partition', `${letter.partition}, offset ${letter.offset}`],
    ...(letter.key === null
      ? []
      : [['holds', `${letter.key}: not sent until it is retried or discarded`] as [string, string]]),
    ['reason', `${letter.code}: ${letter.message}`],
    ['attempts', String(letter.attempts)],
  ];
  if (item_error !== null)
    facts.push([
      'item error',
      `${item_error.code}: ${item_error.message}${item_error.field === undefined ? '' : ` (${item_error.field})`}`,
    ]);
  context.print(...facts.map(([name, value]) => `${context.palette.dim(name.padEnd(11))}  ${safe(value)}`));
  context.print('', payloadText(letter));
  return EXIT.ok;
}

function payloadText({ key, payload }: DeadLetterRow & { payload: string | null }): string {
  if (payload !== null) return safe(payload);
  return key === null
    ? 'The payload is gone: it was erased.'
    : 'Nothing is kept of it: a retry sends its newest state.';
}

export async function retry(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  if (isRecords(invocation)) return (await import('./records/dead-letters.ts')).retry(context, invocation);
  return context.withOperator(async (operator) => {
    const filter = openOnes(invocation);
    if (invocation.flag('dryRun')) return preview(context, await operator.deadLetters(filter), 'retried');
    const result = await operator.retryDeadLetters(filter);
    if (context.options.json) context.printJson('syncline.dead-letters-retry/1', result);
    const { superseded: left } = result;
    const superseded =
      left === 0 ? '' : ` ${formatItems(left, 'is', 'are')} not sent again: something newer has taken the place.`;
    context.say(`${formatItems(result.retried, 'dead letter')} will be sent again.${superseded}`);
    return EXIT.ok;
  });
}

/** Gives data up, so it asks. */
export async function discard(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  if (isRecords(invocation)) return (await import('./records/dead-letters.ts')).discard(context, invocation);
  return context.withOperator(async (operator) => {
    const filter = openOnes(invocation);
    const rows = await operator.deadLetters(filter);
    if (invocation.flag('dryRun')) return preview(context, rows, 'discarded');
    if (
      rows.length > 0 &&
      !(await confirmed(
        context,
        `Discard ${formatItems(rows.length, 'dead letter')}? Their items will never be delivered.`,
      ))
    ) {
      context.say('Nothing was discarded.');
      return EXIT.no;
    }
    // The ones that were counted in the question, not those that have come since.
    const ids = rows.map(({ dead_letter_id }) => dead_letter_id);
    const result = rows.length === 0 ? { discarded: 0 } : await operator.discardDeadLetters({ ids });
    if (context.options.json) context.printJson('syncline.dead-letters-discard/1', result);
    context.say(`${formatItems(result.discarded, 'dead letter')} discarded.`);
    return EXIT.ok;
  });
}

function preview(context: CommandContext, rows: readonly DeadLetterRow[], what: string): ExitCode {
  if (context.options.json) context.printJson('syncline.dead-letters/1', { dry_run: true, dead_letters: rows });
  else printRows(context, rows, 'There are no open dead letters that match.');
  context.say(`${formatItems(rows.length, 'dead letter')} would be ${what}. Nothing was done.`);
  return EXIT.ok;
}

function openOnes(invocation: Invocation): DeadLetterFilter {
  const ids = invocation.rest(0);
  return { ...filterOf(invocation), state: 'open', ...(ids.length > 0 ? { ids: [...ids] } : {}) };
}

function filterOf(invocation: Invocation): DeadLetterFilter {
  const stream = streamArgument(invocation.text('stream'));
  const destination = invocation.text('to');
  return { ...(stream === null ? {} : { stream }), ...(destination === null ? {} : { destination }) };
}

/** Those of records lie in their database. */
function isRecords(invocation: Invocation): boolean {
  return /^records(?:\/|$)/.test(invocation.text('stream') ?? '');
}
