/** `erase (--session ID | --project P | --before T | --match TEXT) [--everywhere]` */
import { EXIT, type ExitCode } from '../../platform/errors.ts';
import type { EraseQuery, EraseResult, ErasedAt, ErasedSession } from '../../runtime/operator.ts';
import type { CommandContext } from '../context.ts';
import { formatCount, formatItems, UNKNOWN } from '../format/count.ts';
import { durationOption } from '../format/duration.ts';
import { safe } from '../format/safe.ts';
import { timeOption } from '../format/since.ts';
import { renderTable, type Column } from '../format/table.ts';
import { formatRecent } from '../format/time.ts';
import type { Invocation } from '../invocation.ts';
import { confirmed } from '../prompts.ts';
import { shortKey } from './sessions/short-key.ts';

/** Rows of a list that a person reads before a yes. */
const MOST_ROWS = 40;

const NOT_LOOKED_AT =
  "Not looked at: memories (syncline memory forget), the agents' own files, what other machines keep, and what was removed as a secret before it was stored.";

/** Removes sessions here for good and has the destinations asked to; asks first, with what it found. */
export async function erase(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const query = queryOf(context, invocation);
  await using operator = await context.connect();
  const found = await operator.erase({ ...query, dry_run: true });
  if (!context.options.json) printList(context, found);
  if (query.match !== null && !context.options.json) context.say(NOT_LOOKED_AT);
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
  return query.everywhere && result.destinations.some(isMissing) ? EXIT.no : EXIT.ok;
}

/** Whether a confirmation is missing. A place that cannot delete by its nature gives none, which is said, and no failure. */
function isMissing({ state }: ErasedAt): boolean {
  return state === 'queued' || state === 'failed';
}

function queryOf(context: CommandContext, invocation: Invocation): Omit<EraseQuery, 'dry_run'> {
  const before = invocation.text('before');
  return {
    session: invocation.text('session'),
    project: invocation.text('project'),
    match: invocation.text('match'),
    before_ms: before === null ? null : timeOption('--before', before, context.now_ms()),
    everywhere: invocation.flag('everywhere'),
    timeout_ms: durationOption('--timeout', invocation.text('timeout') ?? '30s'),
  };
}

/** What is meant, by what tells sessions apart; never a title or anything that was said. */
function printList(context: CommandContext, { sessions }: EraseResult): void {
  const shown = sessions.slice(0, MOST_ROWS);
  if (shown.length === 0) return;
  const with_matches = shown.some(({ matches }) => matches !== null);
  const columns = listColumns(context.now_ms()).filter(({ title }) => title !== 'found in' || with_matches);
  context.print(...renderTable(columns, shown, context.width(), context.palette));
  const left = sessions.length - shown.length;
  if (left > 0) context.say(`… and ${formatItems(left, 'more session')}; --dry-run --json lists all.`);
}

function listColumns(now_ms: number): Column<ErasedSession>[] {
  return [
    { title: 'session', text: ({ key, native_id }) => (key === null ? (native_id ?? UNKNOWN) : shortKey(key)) },
    {
      title: 'began',
      text: ({ started_at_ms }) => (started_at_ms === null ? UNKNOWN : formatRecent(started_at_ms, now_ms)),
    },
    { title: 'agent', text: ({ agent }) => agent ?? UNKNOWN },
    { title: 'project', text: ({ project }) => project ?? UNKNOWN, shrink_to: 8 },
    {
      title: 'messages',
      text: ({ key, messages }) => (key === null ? 'telemetry alone' : formatCount(messages)),
      align: 'right',
    },
    { title: 'found in', text: ({ key, matches }) => foundIn(key, matches ?? 0), align: 'right' },
  ];
}

function foundIn(key: string | null, matches: number): string {
  if (matches > 0) return formatItems(matches, 'message');
  return key === null ? 'telemetry' : 'its title or facts';
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
  const why = reason === null ? '' : `: ${safe(reason)}`;
  if (state === 'cannot') return `cannot be erased there (${of}): ${safe(reason ?? 'no delete verb')}`;
  if (state === 'failed') return `not erased there (${of}): ${safe(reason ?? 'it was refused')}`;
  if (state === 'done') return `done (${of})`;
  return dry_run ? `would be asked to erase ${formatItems(waiting, 'session')}` : `queued (${waiting} of ${of})${why}`;
}
