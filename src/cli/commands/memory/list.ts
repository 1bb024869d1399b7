/** `memory list`, `memory search`, `memory history`, `memory stats` */
import { EXIT, type ExitCode } from '../../../platform/errors.ts';
import type { HistoryEntry, Memory } from '../../../memory/memory.ts';
import type { CommandContext } from '../../context.ts';
import { formatBytes } from '../../format/bytes.ts';
import { formatCount, formatItems } from '../../format/count.ts';
import { renderTable, type Column } from '../../format/table.ts';
import { formatDayTime, formatRecent } from '../../format/time.ts';
import type { Invocation } from '../../invocation.ts';
import { knownMemory } from './calling.ts';
import { filterOf, listQueryOf } from './selection.ts';
import { shortId } from './short-id.ts';

export async function list(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const { memories, total } = await context.withMemories(async (access) => ({
    memories: await access.list(listQueryOf(context, invocation)),
    total: await access.count(filterOf(context, invocation)),
  }));
  if (context.options.json) context.printJson('syncline.memories/1', { memories, total });
  else if (memories.length === 0) context.say('There are no memories that match.');
  else {
    printTable(context, memories);
    if (total > memories.length)
      context.say(`${formatCount(memories.length)} of ${formatItems(total, 'memory', 'memories')}; more with --limit.`);
  }
  return EXIT.ok;
}

/** Exit 1 when nothing was found. */
export async function search(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const query = { ...listQueryOf(context, invocation), text: invocation.rest(0).join(' ') };
  const memories = await context.withMemories((access) => access.search(query));
  if (context.options.json) context.printJson('syncline.memory-search/1', { memories });
  else if (memories.length === 0) context.say('Nothing was found.');
  else printTable(context, memories);
  return memories.length > 0 ? EXIT.ok : EXIT.no;
}

function printTable(context: CommandContext, memories: readonly Memory[]): void {
  context.print(...renderTable(columns(context.now_ms()), memories, context.width(), context.palette));
}

/** The id is never cut, since it is what one copies. */
function columns(now_ms: number): Column<Memory>[] {
  return [
    { title: 'id', text: ({ id }) => shortId(id) },
    { title: 'changed', text: ({ updated_at }) => formatRecent(Date.parse(updated_at), now_ms) },
    { title: 'tier', text: ({ tier }) => tier },
    { title: 'namespace', text: ({ namespace }) => namespace, shrink_to: 8 },
    { title: 'title', text: ({ title }) => title, shrink_to: 16 },
    { title: 'by', text: ({ written }) => authorText(written), shrink_to: 8, from_width: 90 },
    { title: 'priority', text: ({ priority }) => String(priority), align: 'right', from_width: 110 },
  ];
}

/** Another machine's is marked in words: a colour alone would not reach everybody. */
function authorText({ agent_id, device, foreign }: Memory['written']): string {
  return foreign ? `${agent_id} on ${device} (other)` : agent_id;
}

export async function history(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const id = invocation.argument(0) ?? '';
  const entries = await context.withMemories(async (access) => {
    // What is deleted has a past as well; only its whole id names it then.
    const past = await access.history(id);
    return past.length > 0 ? past : access.history((await knownMemory(access, id)).id);
  });
  if (context.options.json) context.printJson('syncline.memory-history/1', { history: entries });
  else context.print(...renderTable(HISTORY, entries, context.width(), context.palette));
  return EXIT.ok;
}

const HISTORY: Column<HistoryEntry>[] = [
  { title: 'when', text: ({ at }) => formatDayTime(Date.parse(at)) },
  { title: 'what', text: ({ kind, fields }) => [kind, ...fields].join(' '), shrink_to: 12 },
  { title: 'who', text: ({ by }) => by.agent_id, shrink_to: 8 },
  { title: 'machine', text: ({ by }) => `${by.device}${by.foreign ? ' (other)' : ''}`, shrink_to: 8 },
  { title: 'session', text: ({ by }) => by.session?.id.slice(0, 12) ?? '–' },
  { title: 'operation', text: ({ operation }) => operation, from_width: 120 },
];

export async function stats(context: CommandContext): Promise<ExitCode> {
  const figures = await context.withMemories((access) => access.statistics());
  if (context.options.json) {
    context.printJson('syncline.memory-stats/1', figures);
    return EXIT.ok;
  }
  const tiers = Object.entries(figures.by_tier).map(([tier, count]) => `${formatCount(count)} ${tier}`);
  const facts: [string, string][] = [
    ['memories', [formatCount(figures.memories), ...tiers].join(', ')],
    ['expired', `${formatCount(figures.expired)} wait to be archived`],
    ['archived', formatCount(figures.archived)],
    ['links', formatCount(figures.links)],
    ['pending', formatCount(figures.pending)],
    ['operations', `${formatCount(figures.operations)}, ${formatCount(figures.tombstones)} tombstones`],
    ['on disk', formatBytes(figures.size_bytes)],
  ];
  context.print(...facts.map(([name, value]) => `${context.palette.dim(name.padEnd(10))}  ${value}`));
  const rows = Object.entries(figures.by_namespace).sort(([, a], [, b]) => b - a);
  if (rows.length > 0) context.print('', ...renderTable(NAMESPACES, rows, context.width(), context.palette));
  return EXIT.ok;
}

const NAMESPACES: Column<[string, number]>[] = [
  { title: 'namespace', text: ([name]) => name, shrink_to: 12 },
  { title: 'memories', text: ([, count]) => formatCount(count), align: 'right' },
];
