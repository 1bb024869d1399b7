/** `memory mcp` */
import { EXIT, type ExitCode } from '../../../platform/errors.ts';
import type { CommandContext } from '../../context.ts';
import type { Invocation } from '../../invocation.ts';
import { agentOf, sessionOf } from './calling.ts';

/** Serves an agent on the standard streams until it goes away. Only the protocol is written to stdout. */
export async function mcp(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const { env, signal, runtime } = context.host;
  await runtime.serveMemoryMcp({
    connect: { paths: context.paths(), loaded: await context.config(), env },
    tools: invocation.text('tools') ?? undefined,
    read_only: invocation.flag('readOnly'),
    agent_id: invocation.text('as') === null ? null : agentOf(context, invocation),
    session_id: sessionOf(context, invocation),
    signal,
  });
  return context.exitUnlessInterrupted(EXIT.ok);
}
