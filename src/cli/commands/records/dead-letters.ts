/** `dead-letters … --stream records/NAME`: records that one side refused for good; they lie in the database of records. */
import { EXIT, UsageError, type ExitCode } from '../../../platform/errors.ts';
import type { DeadLetter } from '../../../engine/store.ts';
import type { RecordsDirectory } from '../../../runtime/records/open-records-directory.ts';
import type { CommandContext } from '../../context.ts';
import { formatItems } from '../../format/count.ts';
import { renderTable } from '../../format/table.ts';
import { formatDayTime, formatRecent } from '../../format/time.ts';
import { safe } from '../../format/safe.ts';
import type { Invocation } from '../../invocation.ts';
import { confirmed } from '../../prompts.ts';
import { withRecords } from './opening.ts';

const MOST = 50;

export async function list(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const state = (invocation.text('state') ?? 'open') as DeadLetter['state'];
  const letters = await withRecords(context, (directory) => find(directory, invocation, state));
  if (context.options.json) context.printJson('syncline.dead-letters/1', { dead_letters: letters });
  else print(context, letters, `There are no ${state} dead letters.`);
  return EXIT.ok;
}

function print(context: CommandContext, letters: readonly DeadLetter[], none: string): void {
  if (letters.length === 0) return context.say(none);
  const now_ms = context.now_ms();
  context.print(
    ...renderTable(
      [
        { title: 'id', text: ({ dead_letter_id }: DeadLetter) => dead_letter_id },
        { title: 'when', text: ({ at_ms }) => formatRecent(at_ms, now_ms) },
        { title: 'stream', text: ({ stream }) => stream },
        { title: 'key', text: ({ key }) => key ?? '', shrink_to: 8 },
        { title: 'field', text: ({ field }) => field ?? '', shrink_to: 6 },
        { title: 'reason', text: ({ code, message }) => `${code}: ${message}`, shrink_to: 12 },
      ],
      letters,
      context.width(),
      context.palette,
    ),
  );
}

export async function show(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const id = invocation.argument(0) ?? '';
  const letter = await withRecords(context, async ({ records }) => (await records.store.deadLetters({ ids: [id] }))[0]);
  if (letter === undefined)
    throw new UsageError('dead_letter.unknown', 'There is no such dead letter', { field: 'id' });
  if (context.options.json) context.printJson('syncline.dead-letter/1', letter);
  else
    context.print(
      `${safe(letter.stream)}  ${safe(letter.key ?? '')}   ${letter.state}   ${formatDayTime(letter.at_ms)}   ${formatItems(letter.attempts, 'attempt')}`,
      `  ${letter.code}: ${safe(letter.message)}${letter.field === null ? '' : ` (${safe(letter.field)})`}`,
      '  Nothing of the record is kept here: a retry writes its newest state.',
    );
  return EXIT.ok;
}

export async function retry(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const { uuidv7 } = await import('../../../platform/random.ts');
  return withRecords(context, async (directory) => {
    const letters = await find(directory, invocation, 'open');
    if (invocation.flag('dryRun')) {
      print(context, letters, 'There are no open dead letters that match.');
      return EXIT.ok;
    }
    let retried = 0;
    for (const { dead_letter_id } of letters) {
      const next = uuidv7(context.now_ms(), context.host.random);
      if ((await directory.records.store.retryDeadLetter(dead_letter_id, next)) === 'retried') retried++;
    }
    if (context.options.json) context.printJson('syncline.dead-letters-retry/1', { retried, superseded: 0 });
    context.say(`${formatItems(retried, 'record')} will be tried again by the next delivery.`);
    return EXIT.ok;
  });
}

export async function discard(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  return withRecords(context, async (directory) => {
    const letters = await find(directory, invocation, 'open');
    if (invocation.flag('dryRun')) {
      print(context, letters, 'There are no open dead letters that match.');
      return EXIT.ok;
    }
    const question = `Discard ${formatItems(letters.length, 'dead letter')}? What was refused stays different until the record changes again.`;
    if (letters.length > 0 && !(await confirmed(context, question))) {
      context.say('Nothing was discarded.');
      return EXIT.no;
    }
    let discarded = 0;
    for (const { dead_letter_id } of letters)
      if (await directory.records.store.discardDeadLetter(dead_letter_id)) discarded++;
    if (context.options.json) context.printJson('syncline.dead-letters-discard/1', { discarded });
    context.say(`${formatItems(discarded, 'dead letter')} discarded.`);
    return EXIT.ok;
  });
}

/** Of one object, or of all. */
async function find(
  { records }: RecordsDirectory,
  invocation: Invocation,
  state: DeadLetter['state'],
): Promise<DeadLetter[]> {
  const stream = invocation.text('stream') ?? 'records';
  const ids = invocation.rest(0);
  const limit = invocation.number('limit') ?? MOST;
  return records.store.deadLetters({
    ...(stream === 'records' ? {} : { stream }),
    ...(ids.length > 0 ? { ids: [...ids] } : {}),
    state,
    limit: ids.length > 0 ? ids.length : limit,
  });
}
