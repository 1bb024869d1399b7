/** `memory delete|archive|restore|promote|link|consolidate|forget` */
import { EXIT, type ExitCode } from '../../../platform/errors.ts';
import { given } from '../../../memory/given.ts';
import type { Tier } from '../../../memory/memory.ts';
import type { Written } from '../../../memory/memories.ts';
import type { CommandContext } from '../../context.ts';
import { formatCount, formatItems } from '../../format/count.ts';
import { safe } from '../../format/safe.ts';
import type { Invocation } from '../../invocation.ts';
import { confirmed } from '../../prompts.ts';
import { knownMemory, pendingWords, tellWritten, writingOf } from './calling.ts';
import { shortId } from './short-id.ts';

/** It does not come back on any machine: so it asks. */
export async function remove(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  return context.withMemories(async (access) => {
    const { id, title } = await knownMemory(access, invocation.argument(0) ?? '');
    if (invocation.flag('dryRun')) {
      if (context.options.json) context.printJson('syncline.memory-delete/1', { dry_run: true, id });
      context.say(`${shortId(id)} ${safe(title)} would be deleted on every machine. Nothing was done.`);
      return EXIT.ok;
    }
    const question = `Delete ${shortId(id)} ${safe(title)} on every machine? It does not come back.`;
    if (!(await confirmed(context, question))) return unchanged(context);
    const written = await access.delete(id, await writingOf(access, context, invocation));
    const words = pendingWords(written.result) ?? `Deleted ${shortId(id)}.`;
    return tellWritten(context, invocation, access, {
      ...{ written, schema: 'syncline.memory-delete/1', answer: { id, ...written.result }, words },
    });
  });
}

export async function archive(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  return context.withMemories(async (access) => {
    const ids: string[] = [];
    for (const id of invocation.rest(0)) ids.push((await knownMemory(access, id)).id);
    const reason = invocation.text('reason') ?? undefined;
    const written = await access.archive(ids, reason, await writingOf(access, context, invocation));
    const words = `${formatItems(written.result.archived.length, 'memory', 'memories')} archived.`;
    return tellWritten(context, invocation, access, {
      ...{ written, schema: 'syncline.memory-archive/1', answer: written.result, words },
    });
  });
}

/** An archived memory is named by its whole id, as the archive lists it. */
export async function restore(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  return context.withMemories(async (access) => {
    const written = await access.restore(invocation.argument(0) ?? '', await writingOf(access, context, invocation));
    const words = `Restored ${shortId(written.result.memory.id)}.`;
    return tellWritten(context, invocation, access, {
      ...{ written, schema: 'syncline.memory-restore/1', answer: written.result, words },
    });
  });
}

export async function promote(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  return context.withMemories(async (access) => {
    const { id } = await knownMemory(access, invocation.argument(0) ?? '');
    const to = invocation.text('toNamespace') ?? undefined;
    const written = await access.promote(id, to, await writingOf(access, context, invocation));
    const words = pendingWords(written.result) ?? (to === undefined ? 'Kept for ever.' : `Copied to ${safe(to)}.`);
    return tellWritten(context, invocation, access, {
      ...{ written, schema: 'syncline.memory-promote/1', answer: written.result, words },
    });
  });
}

export async function link(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  return context.withMemories(async (access) => {
    const source_id = (await knownMemory(access, invocation.argument(0) ?? '')).id;
    const target_id = (await knownMemory(access, invocation.argument(1) ?? '')).id;
    const relation = invocation.text('relation') ?? undefined;
    const options = await writingOf(access, context, invocation);
    const removes = invocation.flag('remove');
    const written: Written<object> = removes
      ? await access.unlink(source_id, target_id, relation, options)
      : await access.link(given({ source_id, target_id, relation }), options);
    const words = `${removes ? 'No longer linked' : 'Linked'}: ${shortId(source_id)} → ${shortId(target_id)}.`;
    return tellWritten(context, invocation, access, {
      ...{ written, schema: 'syncline.memory-link/1', answer: written.result, words },
    });
  });
}

/** Its sources are deleted: so it asks. */
export async function consolidate(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  return context.withMemories(async (access) => {
    const ids: string[] = [];
    for (const id of invocation.rest(0)) ids.push((await knownMemory(access, id)).id);
    const question = `Put ${formatItems(ids.length, 'memory', 'memories')} into one? They are deleted on every machine.`;
    if (!(await confirmed(context, question))) return unchanged(context);
    const request = {
      ...{ ids, title: invocation.text('title') ?? '', summary: invocation.text('summary') ?? '' },
      ...{ namespace: invocation.text('namespace') ?? undefined, source: 'cli' },
      tier: (invocation.text('tier') ?? undefined) as Tier | undefined,
    };
    const written = await access.consolidate(given(request), await writingOf(access, context, invocation));
    const { memory, consolidated } = written.result;
    const words = `${formatCount(consolidated)} became ${shortId(memory.id)}.`;
    return tellWritten(context, invocation, access, {
      ...{ written, schema: 'syncline.memory-consolidate/1', answer: written.result, words },
    });
  });
}

/** Archives what matches, in rounds of at most 1,000; `restore` brings back what was meant to stay. */
export async function forget(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const request = given({
    namespace: invocation.text('namespace') ?? undefined,
    pattern: invocation.text('pattern') ?? undefined,
    tier: (invocation.text('tier') ?? undefined) as Tier | undefined,
  });
  return context.withMemories(async (access) => {
    const options = await writingOf(access, context, invocation);
    const meant = await access.forget({ ...request, dry_run: true }, options);
    const { forgotten: ids, more } = meant.result;
    const amount = `${more ? 'More than ' : ''}${formatItems(ids.length, 'memory', 'memories')}`;
    if (invocation.flag('dryRun')) {
      if (context.options.json) context.printJson('syncline.memory-forget/1', { dry_run: true, ids, more });
      context.say(`${amount} would be archived. Nothing was done.`);
      return EXIT.ok;
    }
    if (!(await confirmed(context, `${amount} match. Archive them on every machine?`))) return unchanged(context);
    let written = await access.forget(request, options);
    const forgotten = [...written.result.forgotten];
    while (written.result.more) {
      written = await access.forget(request, options);
      forgotten.push(...written.result.forgotten);
    }
    const words = `${formatItems(forgotten.length, 'memory', 'memories')} forgotten; the archive has them.`;
    return tellWritten(context, invocation, access, {
      ...{ written, schema: 'syncline.memory-forget/1', answer: { ids: forgotten }, words },
    });
  });
}

function unchanged(context: CommandContext): ExitCode {
  context.say('Nothing was changed.');
  return EXIT.no;
}
