/** `memory store`, `memory update` */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { UsageError, type ExitCode } from '../../../platform/errors.ts';
import { given } from '../../../memory/given.ts';
import type { StoreRequest } from '../../../memory/memories.ts';
import type { CommandContext } from '../../context.ts';
import type { Invocation } from '../../invocation.ts';
import { knownMemory, pendingWords, tellWritten, writingOf } from './calling.ts';
import { fieldsOf } from './selection.ts';
import { shortId } from './short-id.ts';

export async function store(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const content = await contentOf(context, invocation, invocation.rest(1).join(' '));
  if (content === null)
    throw new UsageError('usage.content', 'There is nothing to remember.', {
      field: 'content',
      hint: 'Give the text after the title, with --file, or on standard input.',
    });
  const on_conflict = (invocation.text('onConflict') ?? undefined) as StoreRequest['on_conflict'];
  const request = { title: invocation.argument(0) ?? '', content, source: 'cli', on_conflict };
  return context.withMemories(async (access) => {
    const options = await writingOf(access, context, invocation);
    const written = await access.store({ ...given(request), ...fieldsOf(context, invocation) }, options);
    const { result } = written;
    const words =
      result.status === 'pending'
        ? (pendingWords(result) ?? '')
        : `${result.created ? 'Remembered' : 'Merged'} as ${shortId(result.memory.id)} in ${result.memory.namespace}.`;
    return tellWritten(context, invocation, access, {
      written,
      schema: 'syncline.memory-store/1',
      answer: result,
      words,
    });
  });
}

export async function update(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const content = await contentOf(context, invocation, invocation.text('content') ?? '', false);
  const change = {
    ...given({ title: invocation.text('title') ?? undefined, content: content ?? undefined }),
    ...fieldsOf(context, invocation),
    ...(invocation.flag('keep') ? { expires_at: null } : {}),
  };
  if (Object.keys(change).length === 0)
    throw new UsageError('usage.change', 'There is nothing to change.', {
      hint: 'See: syncline help memory update',
    });
  return context.withMemories(async (access) => {
    const { id } = await knownMemory(access, invocation.argument(0) ?? '');
    const written = await access.update(id, change, await writingOf(access, context, invocation));
    const words = `Changed ${shortId(id)}.`;
    return tellWritten(context, invocation, access, {
      ...{ written, schema: 'syncline.memory-update/1', answer: written.result, words },
    });
  });
}

/** The words given, else `--file`, else standard input when something stands there. */
async function contentOf(
  context: CommandContext,
  invocation: Invocation,
  words: string,
  from_input = true,
): Promise<string | null> {
  const file = invocation.text('file');
  if (file !== null) return readText(resolve(context.host.cwd, file));
  if (words !== '' && words !== '-') return words;
  if (words === '' && (!from_input || context.host.is_tty.stdin)) return null;
  const read = (await context.host.readInput()).trimEnd();
  return read === '' ? null : read;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new UsageError('usage.file', 'The file cannot be read.', { field: '--file', cause });
  }
}
