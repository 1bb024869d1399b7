import { resolve } from 'node:path';
import { EXIT, UsageError, type ExitCode } from '../../platform/errors.ts';
import { passedOver } from '../../runtime/skipped.ts';
import type { ImportResult } from '../../runtime/operator.ts';
import type { CommandContext } from '../context.ts';
import { AGENTS } from '../declaration.ts';
import { formatItems } from '../format/count.ts';
import type { Invocation } from '../invocation.ts';
import { agentName } from '../screen/agent-name.ts';

/** `telemetry import [PATH]`: idempotent, so that it may be repeated at will. */
export async function importTranscripts(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const written = invocation.argument(0);
  const agent = invocation.text('agent');
  if (written !== null && agent === null)
    throw new UsageError('usage.agent', 'Whose transcripts are these? Each agent writes its own format.', {
      hint: `Add --agent ${AGENTS.join(' | ')}.`,
      field: '--agent',
    });
  const path = written === null ? null : resolve(context.host.cwd, written);
  const agents = agent === null ? await readableAgents(context) : [agent];
  const results = await context.withOperator(async (operator) => {
    const imported: (ImportResult & { agent: string })[] = [];
    for (const name of agents)
      imported.push({ agent: name, ...(await operator.importTranscripts({ path, agent: name })) });
    return imported;
  });
  if (context.options.json) context.printJson('syncline.import/1', { imports: results });
  else for (const result of results) context.say(...importLines(result));
  return EXIT.ok;
}

/** The agents whose files this version reads. */
async function readableAgents(context: CommandContext): Promise<string[]> {
  const places = await context.host.runtime.agentPlaces(context.host.env);
  return [...new Set(places.map((place) => place.agent))];
}

function importLines({ agent, files, sessions, new_entries, skipped }: ImportResult & { agent: string }): string[] {
  const { copies, excluded, lines } = passedOver(skipped);
  const reasons = Object.entries(skipped)
    .filter(([reason]) => reason !== 'copy' && reason !== 'excluded')
    .map(([reason, count]) => `${reason} ${count}`);
  return [
    `${agentName(agent)}: ${formatItems(files, 'file')}, ${formatItems(sessions, 'session')}, ${formatItems(new_entries, 'new entry', 'new entries')}.`,
    ...(copies > 0 ? [`  copies of earlier turns: ${copies}`] : []),
    ...(excluded > 0 ? [`  excluded: ${excluded}`] : []),
    ...(lines > 0 ? [`  skipped lines: ${reasons.join(', ')}`] : []),
  ];
}
