/** `agents list`, `agents connect`, `agents disconnect` */
import {
  carryOut,
  CONNECTABLE,
  listConnections,
  planConnect,
  planDisconnect,
  type Connectable,
  type Connection,
  type Plan,
  type PlannedChange,
} from '../../agents/connect/connections.ts';
import { EXIT, UsageError, type ExitCode } from '../../platform/errors.ts';
import { callingProgram } from '../calling-program.ts';
import type { CommandContext } from '../context.ts';
import { formatItems } from '../format/count.ts';
import { safe } from '../format/safe.ts';
import { renderTable, type Column } from '../format/table.ts';
import type { Invocation } from '../invocation.ts';
import { confirmed } from '../prompts.ts';
import { agentName } from '../screen/agent-name.ts';
import { shortPath } from '../screen/short-path.ts';

/** What of ours is in the files of each agent on this machine. */
export async function list(context: CommandContext): Promise<ExitCode> {
  const connections = listConnections(context.host.env, callingProgram(context));
  if (context.options.json) {
    context.printJson('syncline.agents/1', { agents: connections.map(withoutForm) });
    return EXIT.ok;
  }
  if (connections.length === 0) {
    context.say(NO_AGENT);
    return EXIT.ok;
  }
  const columns: Column<Connection>[] = [
    { title: 'agent', text: ({ agent }) => agentName(agent) },
    { title: '', text: ({ part }) => part },
    { title: 'state', text: stateText, shrink_to: 20 },
    { title: 'file', text: ({ file }) => fileText(context, file), shrink_to: 16 },
  ];
  context.print(...renderTable(columns, connections, context.width(), context.palette));
  return EXIT.ok;
}

const NO_AGENT = 'No agent that can be connected was ever used here (Claude Code, Codex, Cursor).';

function withoutForm({ form: _form, ...connection }: Connection): object {
  return connection;
}

function stateText({ state, entries, by_hand, gone, problem }: Connection): string {
  const beside = state !== 'by_hand' && by_hand > 0 ? `, ${by_hand} more by hand` : '';
  switch (state) {
    case 'connected':
      return `connected${entries > 1 ? ` (${entries} events)` : ''}${beside}`;
    case 'stale':
      return gone === null ? `of another version or place${beside}` : `its program is gone${beside}`;
    case 'by_hand':
      return 'by hand';
    case 'unusable':
      return problem ?? 'unusable';
    case 'none':
      return 'not connected';
  }
}

/** Joins agents to this program: shows what comes into which file, asks, writes. Twice is as once. */
export async function connect(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const { env } = context.host;
  const program = callingProgram(context);
  const agents = agentsAsked(invocation);
  const connections = listConnections(env, program).filter(({ agent }) => agents.includes(agent));
  if (connections.length === 0) {
    context.say(
      agents.length > 1 ? NO_AGENT : `${agentName(agents[0] ?? '')} was never used here; nothing was changed.`,
    );
    return EXIT.no;
  }
  sayByHand(context, connections);
  return change(context, invocation, planConnect(env, agents, program), {
    question: 'Connect them to Syncline?',
    nothing: 'Connected already.',
    done: `Connected. An agent that runs takes it up when it is started again${asksFirst(connections)}.`,
  });
}

/** Codex has a person confirm new hooks once. */
function asksFirst(connections: readonly Connection[]): string {
  return connections.some(({ agent }) => agent === 'codex') ? '; Codex asks whether it may run the hooks' : '';
}

/** Takes out what `connect` put in. */
export async function disconnect(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  return change(context, invocation, planDisconnect(context.host.env, agentsAsked(invocation)), {
    question: 'Take it out?',
    nothing: 'Nothing of ours is in their files.',
    done: 'Disconnected.',
  });
}

/** @throws UsageError `usage.agent` */
function agentsAsked(invocation: Invocation): readonly Connectable[] {
  const written = invocation.argument(0) ?? 'all';
  if (written === 'all') return CONNECTABLE;
  const agent = CONNECTABLE.find((name) => name === written);
  if (agent !== undefined) return [agent];
  throw new UsageError('usage.agent', `There is no agent ${JSON.stringify(written)} that can be connected.`, {
    hint: `Agents: ${CONNECTABLE.join(', ')}, all.`,
    field: 'agent',
  });
}

function sayByHand(context: CommandContext, connections: readonly Connection[]): void {
  for (const { agent, part, by_hand, file } of connections) {
    if (by_hand === 0) continue;
    const where = fileText(context, file);
    if (part === 'memory') context.say(`${agentName(agent)}: ${where} has a server named syncline by hand; it stays.`);
    else
      context.say(
        `${agentName(agent)}: ${where} also has ${formatItems(by_hand, 'hook')} of Syncline by hand; remove them.`,
      );
  }
}

interface Words {
  question: string;
  nothing: string;
  done: string;
}

async function change(context: CommandContext, invocation: Invocation, plan: Plan, words: Words): Promise<ExitCode> {
  const dry_run = invocation.flag('dryRun');
  sayPlan(context, plan);
  if (plan.changes.length > 0 && !dry_run && !(await confirmed(context, words.question))) {
    context.say('Nothing was changed.');
    return EXIT.no;
  }
  if (!dry_run) for (const planned of plan.changes) carryOut(planned);
  if (context.options.json) context.printJson('syncline.agents-change/1', { dry_run, ...shownPlan(plan) });
  if (plan.changes.length === 0 && plan.problems.length === 0) context.say(words.nothing);
  else if (dry_run) context.say('Nothing was changed.');
  else if (plan.changes.length > 0) context.say(words.done);
  return plan.problems.length > 0 ? EXIT.no : EXIT.ok;
}

/** What would change in which file, and which files are left as they are. */
export function sayPlan(context: CommandContext, plan: Plan): void {
  for (const { agent, file, problem } of plan.problems)
    context.say(`${agentName(agent)}: ${fileText(context, file)} is left as it is. ${safe(problem)}.`);
  for (const planned of plan.changes) context.say(...diffLines(context, planned));
}

/** For `--json`. Never the whole of a file: it is somebody else's. */
export function shownPlan({ changes, problems }: Plan): object {
  return {
    changes: changes.map(({ agent, part, file, before, after, diff }) => ({
      ...{ agent, part, file, diff },
      created: before === null,
      removed: after === null,
    })),
    problems: problems.map(({ agent, part, file, problem }) => ({ agent, part, file, problem })),
  };
}

function diffLines(context: CommandContext, { file, before, after, diff }: PlannedChange): string[] {
  const { stderr_palette: palette } = context;
  const fate = before === null ? ' (new)' : after === null ? ' (goes: it was made for this)' : '';
  return [
    palette.bold(fileText(context, file)) + fate,
    ...diff.flatMap(({ line, removed, added }) => [
      palette.dim(`@@ line ${line} @@`),
      ...removed.map((text) => palette.red(`-${safe(text)}`)),
      ...added.map((text) => palette.green(`+${safe(text)}`)),
    ]),
  ];
}

function fileText(context: CommandContext, file: string): string {
  return safe(shortPath(file, context.host.user_home));
}
