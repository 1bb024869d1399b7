/** `memory recall`, `memory get`: remembered text, fenced as data, each piece with who wrote it, where, in which session and when (R15). */
import { EXIT, type ExitCode } from '../../../platform/errors.ts';
import { given } from '../../../memory/given.ts';
import { fencedMemories } from '../../../memory/mcp/fence.ts';
import type { Memory } from '../../../memory/memory.ts';
import type { CommandContext } from '../../context.ts';
import { formatItems } from '../../format/count.ts';
import { safe } from '../../format/safe.ts';
import type { Invocation } from '../../invocation.ts';
import { callerOf, knownMemory } from './calling.ts';
import { filterOf } from './selection.ts';

/** Exit 1 when nothing is known, so that a script can ask. */
export async function recall(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const { namespace, tags, since, until, as_agent } = filterOf(context, invocation);
  const numbers = {
    limit: invocation.number('limit') ?? undefined,
    budget_tokens: invocation.number('budgetTokens') ?? undefined,
  };
  const asked = { context: invocation.rest(0).join(' '), namespace, tags, since, until, as_agent, ...numbers };
  const found = await context.withMemories(async (access) =>
    access.recall(given(asked), await callerOf(access, context, invocation)),
  );
  const exit = found.memories.length > 0 ? EXIT.ok : EXIT.no;
  if (context.options.json) {
    context.printJson('syncline.memory-recall/1', found);
    return exit;
  }
  if (exit === EXIT.no) context.say('Nothing is known about that.');
  else printFenced(context, found.memories);
  return exit;
}

export async function get(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const { memory, links } = await context.withMemories(async (access) => {
    const found = await knownMemory(access, invocation.argument(0) ?? '');
    return { memory: found, links: await access.links(found.id) };
  });
  if (context.options.json) {
    context.printJson('syncline.memory/1', { memory, links });
    return EXIT.ok;
  }
  printFenced(context, [memory]);
  for (const { source_id, target_id, relation } of links)
    context.print(safe(`${relation}: ${source_id} → ${target_id}`));
  if (links.length > 0) context.say(`${formatItems(links.length, 'link')}.`);
  return EXIT.ok;
}

/** The same form as an agent gets by MCP: this may be an agent's shell. */
function printFenced(context: CommandContext, memories: readonly Memory[]): void {
  context.print(...fencedMemories(context.host.random, memories).split('\n').map(safe));
}
