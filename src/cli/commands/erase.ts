/** `erase (--session ID | --project P | --before T) [--everywhere]` */
import { EXIT, type ExitCode } from '../../platform/errors.ts';
import type { EraseQuery, EraseResult, ErasedAt } from '../../runtime/operator.ts';
import type { CommandContext } from '../context.ts';
import { formatItems } from '../format/count.ts';
import { durationOption } from '../format/duration.ts';
import { safe } from '../format/safe.ts';
import { timeOption } from '../format/since.ts';
import type { Invocation } from '../invocation.ts';
import { confirmed } from '../prompts.ts';

/** Removes sessions here for good and has the destinations asked to; asks first, with what it found. */
export async function erase(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const query = queryOf(context, invocation);
  await using operator = await context.connect();
  const found = await operator.erase({ ...query, dry_run: true });
  if (invocation.flag('dryRun')) {
    print(context, found);
    return EXIT.ok;
  }
  const question = `Erase ${whatOf(found)} for good? It does not come back, here or at a team's store.`;
  if (!isNothing(found) && !(await confirmed(context, question))) {
    context.say('Nothing was changed.');
    return EXIT.no;
  }
  const result = await operator.erase({ ...query, dry_run: false });
  print(context, result);
  return query.everywhere && result.destinations.some(({ state }) => state !== 'done') ? EXIT.no : EXIT.ok;
}

function queryOf(context: CommandContext, invocation: Invocation): Omit<EraseQuery, 'dry_run'> {
  const before = invocation.text('before');
  return {
    session: invocation.text('session'),
    project: invocation.text('project'),
    before_ms: before === null ? null : timeOption('--before', before, context.now_ms()),
    everywhere: invocation.flag('everywhere'),
    timeout_ms: durationOption('--timeout', invocation.text('timeout') ?? '30s'),
  };
}

function print(context: CommandContext, result: EraseResult): void {
  if (context.options.json) {
    context.printJson('syncline.erase/1', result);
    return;
  }
  if (isNothing(result)) context.say('Nothing is left of it here.');
  else if (result.dry_run) context.say(`Would be erased: ${whatOf(result)}. Nothing was done.`);
  else
    context.say(
      `Erased here: ${whatOf(result)}. The agent's own files are untouched; what is in them is not taken in again.`,
    );
  for (const at of result.destinations) context.say(`  ${at.destination}  ${at.stream}: ${becameOf(at, result)}`);
}

function isNothing({ conversations, messages, telemetry_sessions }: EraseResult): boolean {
  return conversations + messages + telemetry_sessions === 0;
}

function whatOf({ conversations, messages, telemetry_sessions }: EraseResult): string {
  const said = `${formatItems(conversations, 'conversation')} with ${formatItems(messages, 'message')}`;
  return `${said}, telemetry of ${formatItems(telemetry_sessions, 'session')}`;
}

function becameOf({ state, sessions, waiting, reason }: ErasedAt, { dry_run }: EraseResult): string {
  const of = formatItems(sessions, 'session');
  if (state === 'cannot') return `cannot be erased there (${of}): ${safe(reason ?? 'no delete verb')}`;
  if (state === 'done') return `done (${of})`;
  return dry_run ? `would be asked to erase ${formatItems(waiting, 'session')}` : `queued (${waiting} of ${of})`;
}
