/** `memory export`, `memory import`: a line of JSON for each memory and link, so that neither side holds all of it. */
import { createReadStream, createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { EXIT, SynclineError, UsageError, type ExitCode } from '../../../platform/errors.ts';
import { MAX_BULK } from '../../../memory/limits.ts';
import type { MemoryExport } from '../../../memory/memories.ts';
import type { CommandContext } from '../../context.ts';
import { formatItems } from '../../format/count.ts';
import { safe } from '../../format/safe.ts';
import type { Invocation } from '../../invocation.ts';
import { writingOf } from './calling.ts';

const SCHEMA = 'syncline.memory-export/1';
/** Of one import call: its answer names at most so many errors, and the daemon takes so much in one request. */
const MOST_BYTES = 4 * 1024 * 1024;
const MOST_ERRORS_SHOWN = 20;

export async function exportMemories(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const target = invocation.text('output');
  const sink = target === null ? stdout(context) : await newFile(resolve(context.host.cwd, target));
  let memories = 0;
  let links = 0;
  await context.withMemories(async (access) => {
    await sink.line({ schema: SCHEMA });
    for (let cursor: string | undefined, over = false; !over;) {
      const { page, next } = await access.exportPage(cursor);
      for (const memory of page?.memories ?? []) await sink.line({ memory });
      for (const link of page?.links ?? []) await sink.line({ link });
      memories += page?.memories.length ?? 0;
      links += page?.links.length ?? 0;
      over = next === null;
      cursor = next ?? undefined;
    }
  });
  await sink.end();
  context.say(`${formatItems(memories, 'memory', 'memories')} and ${formatItems(links, 'link')}.`);
  return EXIT.ok;
}

/** Of a file of ours, or an export of ai-memory (`{memories, links}`). Exit 1 when some could not be taken. */
export async function importMemories(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const file = resolve(context.host.cwd, invocation.argument(0) ?? '');
  const total = { imported: 0, links: 0, errors: [] as string[] };
  await context.withMemories(async (access) => {
    const options = await writingOf(access, context, invocation);
    const write = async (data: MemoryExport): Promise<void> => {
      const { result } = await access.import(data, { ...options, revive: invocation.flag('revive') });
      total.imported += result.imported;
      total.links += result.links;
      total.errors.push(...result.errors);
    };
    const links: MemoryExport['links'] = [];
    for await (const { memories, links: of_page } of pages(file)) {
      // A link needs both of its ends, which may stand further down.
      links.push(...of_page);
      if (memories.length > 0) await write({ memories, links: [] });
    }
    for (let from = 0; from < links.length; from += MAX_BULK)
      await write({ memories: [], links: links.slice(from, from + MAX_BULK) });
  });
  if (context.options.json) context.printJson('syncline.memory-import/1', total);
  else {
    context.say(
      `${formatItems(total.imported, 'memory', 'memories')} and ${formatItems(total.links, 'link')} imported.`,
    );
    for (const error of total.errors.slice(0, MOST_ERRORS_SHOWN)) context.say(`  ${safe(error)}`);
    if (total.errors.length > MOST_ERRORS_SHOWN)
      context.say(`  and ${formatItems(total.errors.length - MOST_ERRORS_SHOWN, 'more error')}; --json lists all`);
  }
  return total.errors.length === 0 ? EXIT.ok : EXIT.no;
}

async function* pages(file: string): AsyncGenerator<MemoryExport> {
  let page: MemoryExport = { memories: [], links: [] };
  let bytes = 0;
  let number = 0;
  for await (const line of linesOf(file)) {
    number++;
    if (line.trim() === '') continue;
    for (const part of partsOf(line, number)) {
      if ('link' in part) page.links.push(part.link);
      else page.memories.push(part.memory);
    }
    bytes += line.length;
    if (page.memories.length < MAX_BULK && bytes < MOST_BYTES) continue;
    yield* bounded(page);
    page = { memories: [], links: [] };
    bytes = 0;
  }
  yield* bounded(page);
}

/** A document of ai-memory is one line, however many it holds. */
function* bounded({ memories, links }: MemoryExport): Generator<MemoryExport> {
  yield { memories: memories.slice(0, MAX_BULK), links };
  for (let from = MAX_BULK; from < memories.length; from += MAX_BULK)
    yield { memories: memories.slice(from, from + MAX_BULK), links: [] };
}

type Part = { memory: MemoryExport['memories'][number] } | { link: MemoryExport['links'][number] };

function partsOf(line: string, number: number): Part[] {
  const value = parsed(line, number);
  if ('memory' in value) return [{ memory: value['memory'] as MemoryExport['memories'][number] }];
  if ('link' in value) return [{ link: value['link'] as MemoryExport['links'][number] }];
  if (Array.isArray(value['memories'])) {
    const { memories, links = [] } = value as unknown as MemoryExport;
    return [...memories.map((memory) => ({ memory })), ...links.map((link) => ({ link }))];
  }
  if (value['schema'] === SCHEMA) return [];
  throw notAnExport(number);
}

function parsed(line: string, number: number): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below, without the text: it is somebody's memory.
  }
  throw notAnExport(number);
}

function notAnExport(line: number): UsageError {
  return new UsageError('import.form', `Line ${line} is not a memory, a link or an export`, {
    hint: 'What stands before it was imported; importing again changes nothing of that.',
  });
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const stream = createReadStream(file, { encoding: 'utf8' });
  try {
    yield* createInterface({ input: stream, crlfDelay: Infinity });
  } catch (cause) {
    throw new UsageError('usage.file', 'The file cannot be read', { field: 'file', cause });
  } finally {
    stream.destroy();
  }
}

interface LineSink {
  line(value: object): Promise<void>;
  end(): Promise<void>;
}

function stdout(context: CommandContext): LineSink {
  return {
    line: async (value) => void context.host.stdout.write(`${JSON.stringify(value)}\n`),
    end: async () => undefined,
  };
}

/** Never over a file that is there. */
async function newFile(path: string): Promise<LineSink> {
  const stream = createWriteStream(path, { flags: 'wx', mode: 0o600 });
  try {
    await once(stream, 'open');
  } catch (cause) {
    const taken = (cause as NodeJS.ErrnoException).code === 'EEXIST';
    throw new SynclineError('export.file', taken ? 'The file is there already' : 'The file cannot be written', {
      exit: EXIT.usage,
      field: '--output',
      hint: 'Name another with --output.',
      cause,
    });
  }
  return {
    line: async (value) => {
      if (!stream.write(`${JSON.stringify(value)}\n`)) await once(stream, 'drain');
    },
    end: async () => {
      stream.end();
      await once(stream, 'finish');
    },
  };
}
