/** `erase (--session ID | --project P | --before T | --match TEXT | --memory ID | --namespace NAME) [--everywhere]` */
import { EXIT, type ExitCode } from '../../platform/errors.ts';
import type { ErasableMemory } from '../../memory/memories.ts';
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
import { shortId } from './memory/short-id.ts';
import { shortKey } from './sessions/short-key.ts';

/** Rows of a list that a person reads before a yes. */
const MOST_ROWS = 40;

const NOT_LOOKED_AT =
  "Not looked at: what was set aside of other machines' memories (syncline memory peers list), the agents' own files, what other machines keep, and what was removed as a secret before it was stored.";

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
  const elsewhere = isOfSessions(found) ? "here or at a team's store" : 'here or on another machine';
  const question = `Erase ${whatOf(found)} for good? It does not come back, ${elsewhere}.`;
  if (!isNothing(found) && !(await confirmed(context, question))) {
    context.say('Nothing was changed.');
    return EXIT.no;
  }
  const result = await operator.erase({ ...query, dry_run: false });
  print(context, result);
  const missing = result.destinations.some(isMissing) || isMissingOnMembers(result);
  return query.everywhere && missing ? EXIT.no : EXIT.ok;
}

/** Whether a confirmation is missing. A place that cannot delete by its nature gives none, which is said, and no failure. */
function isMissing({ state }: ErasedAt): boolean {
  return state === 'queued' || state === 'failed';
}

function isMissingOnMembers({ memory }: EraseResult): boolean {
  return memory !== undefined && ((memory.gone_on ?? 0) < (memory.members ?? 0) || memory.log_keeps > 0);
}

function queryOf(context: CommandContext, invocation: Invocation): Omit<EraseQuery, 'dry_run'> {
  const before = invocation.text('before');
  return {
    session: invocation.text('session'),
    project: invocation.text('project'),
    match: invocation.text('match'),
    memory: invocation.text('memory'),
    namespace: invocation.text('namespace'),
    before_ms: before === null ? null : timeOption('--before', before, context.now_ms()),
    everywhere: invocation.flag('everywhere'),
    timeout_ms: durationOption('--timeout', invocation.text('timeout') ?? '30s'),
  };
}

/** What is meant, by what tells sessions and memories apart; never a title or anything that was said. */
function printList(context: CommandContext, { sessions, memory }: EraseResult): void {
  printMemories(context, memory?.memories ?? []);
  const shown = sessions.slice(0, MOST_ROWS);
  if (shown.length === 0) return;
  const with_matches = shown.some(({ matches }) => matches !== null);
  const columns = listColumns(context.now_ms()).filter(({ title }) => title !== 'found in' || with_matches);
  context.print(...renderTable(columns, shown, context.width(), context.palette));
  const left = sessions.length - shown.length;
  if (left > 0) context.say(`… and ${formatItems(left, 'more session')}; --dry-run --json lists all.`);
}

function printMemories(context: CommandContext, memories: readonly ErasableMemory[]): void {
  if (memories.length === 0) return;
  const columns: Column<ErasableMemory>[] = [
    { title: 'memory', text: ({ id }) => shortId(id) },
    { title: 'namespace', text: ({ namespace }) => namespace || UNKNOWN, shrink_to: 8 },
    { title: 'state', text: ({ state }) => state },
    {
      title: 'written',
      text: ({ created_at }) =>
        created_at === null ? UNKNOWN : formatRecent(Date.parse(created_at), context.now_ms()),
    },
    { title: 'by', text: ({ agent_id }) => agent_id ?? UNKNOWN, shrink_to: 8 },
  ];
  context.print(...renderTable(columns, memories.slice(0, MOST_ROWS), context.width(), context.palette));
  const left = memories.length - MOST_ROWS;
  if (left > 0) context.say(`… and ${formatItems(left, 'more memory', 'more memories')}; --dry-run --json lists all.`);
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
  else if (isOfSessions(result))
    context.say(
      `Erased here: ${whatOf(result)}. The agent's own files are untouched; what is in them is not taken in again.`,
    );
  else context.say(`Erased here: ${whatOf(result)}.`);
  for (const at of result.destinations) context.say(`  ${at.destination}  ${at.stream}: ${becameOf(at, result)}`);
  const { gone_on, members, log_keeps = 0 } = result.memory ?? {};
  if (typeof gone_on === 'number' && typeof members === 'number')
    context.say(`  memory: deleted on ${gone_on} of ${formatItems(members, 'machine')}${restOf(members - gone_on)}`);
  if (log_keeps > 0)
    context.say(
      `  memory: the log of this machine keeps the texts until every machine has deleted them, then forgets them`,
    );
}

function restOf(missing: number): string {
  return missing === 0 ? '' : '; the rest follow when they are reached';
}

function isOfSessions({ conversations, messages, telemetry_sessions }: EraseResult): boolean {
  return conversations + messages + telemetry_sessions > 0;
}

function isNothing(result: EraseResult): boolean {
  return !isOfSessions(result) && (result.memory?.memories ?? []).length === 0;
}

function whatOf(result: EraseResult): string {
  const { conversations, messages, telemetry_sessions, memory } = result;
  const said = `${formatItems(conversations, 'conversation')} with ${formatItems(messages, 'message')}`;
  const sessions = `${said}, telemetry of ${formatItems(telemetry_sessions, 'session')}`;
  const remembered = formatItems(memory?.memories.length ?? 0, 'memory', 'memories');
  if (memory === undefined || (memory.memories.length === 0 && isOfSessions(result))) return sessions;
  return isOfSessions(result) ? `${sessions}, ${remembered}` : remembered;
}

function becameOf({ state, sessions, waiting, reason }: ErasedAt, { dry_run }: EraseResult): string {
  const of = formatItems(sessions, 'session');
  const why = reason === null ? '' : `: ${safe(reason)}`;
  if (state === 'cannot') return `cannot be erased there (${of}): ${safe(reason ?? 'no delete verb')}`;
  if (state === 'failed') return `not erased there (${of}): ${safe(reason ?? 'it was refused')}`;
  if (state === 'done') return `done (${of})`;
  return dry_run ? `would be asked to erase ${formatItems(waiting, 'session')}` : `queued (${waiting} of ${of})${why}`;
}
