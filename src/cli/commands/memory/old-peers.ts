/** `memory peers add|remove` for nodes of ai-memory, which the configuration names, and how they are shown. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { tableText, withTable, withoutTable } from '../../../config/edit.ts';
import { inspectConfig, type LoadedConfig } from '../../../config/load.ts';
import { formatProblem } from '../../../config/problems.ts';
import { formatPublicKey, KeyDirectory } from '../../../memory/compat/key-directory.ts';
import { EXIT, UsageError, type ExitCode } from '../../../platform/errors.ts';
import { writeAtomically } from '../../../platform/write-file.ts';
import { keysFolder, ownAgentId } from '../../../runtime/old-peer-places.ts';
import type { DestinationStatus } from '../../../runtime/operator.ts';
import type { CommandContext } from '../../context.ts';
import { renderTable } from '../../format/table.ts';
import type { Invocation } from '../../invocation.ts';
import { confirmed } from '../../prompts.ts';
import { destinationText } from '../../screen/status-screen.ts';

const LIST = ['memory', 'compat', 'peer'] as const;

/** Writes a node of ai-memory into the configuration, after showing what would stand there and asking. */
export async function addPeer(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const name = invocation.argument(0) ?? '';
  const table = tableText(LIST.join('.'), {
    name,
    agent_id: invocation.text('agentId') ?? undefined,
    url: invocation.text('url') ?? undefined,
    send: patterns(invocation, 'send'),
    take: patterns(invocation, 'take'),
    public_key: invocation.text('publicKey') ?? undefined,
    fingerprint: invocation.text('fingerprint') ?? undefined,
    ...Object.fromEntries(
      ['unscoped', 'unsigned', 'insecure'].map((flag) => [flag, invocation.flag(flag) || undefined]),
    ),
  });
  const { config_file } = context.paths();
  const before = existsSync(config_file) ? readFileSync(config_file, 'utf8') : '';
  const after = withTable(before, table);
  check(context, after);
  context.say(`Into ${config_file}:`, '', table);
  if (!(await confirmed(context, `Exchange memories with ${name} in these namespaces?`))) {
    context.say('Nothing was changed.');
    return EXIT.no;
  }
  write(context, after);
  if (context.options.json) context.printJson('syncline.memory_old_peer/1', { name, added: true });
  context.say(
    `${name} is added. It is read when Syncline starts anew: syncline stop, then up. See before: syncline preview memory.`,
  );
  return EXIT.ok;
}

/** Takes a node of ai-memory out of the configuration; null: there is none of that name. It keeps what it has. */
export async function removeOldPeer(context: CommandContext, name: string): Promise<ExitCode | null> {
  const { config } = await context.config();
  const index = config.memory.compat.peer.findIndex((peer) => peer.name === name);
  if (index < 0) return null;
  if (!(await confirmed(context, `Stop exchanging memories with ${JSON.stringify(name)}? It keeps what it has.`))) {
    context.say('Nothing was changed.');
    return EXIT.no;
  }
  const after = withoutTable(readFileSync(context.paths().config_file, 'utf8'), LIST, index);
  check(context, after);
  write(context, after);
  if (context.options.json) context.printJson('syncline.memory_old_peer/1', { name, added: false });
  context.say(`${name} is removed. A running Syncline goes on with it until it is stopped.`);
  return EXIT.ok;
}

export interface ListedOldPeer {
  name: string;
  agent_id: string;
  url: string | null;
  send: readonly string[];
  take: readonly string[];
  unscoped: boolean;
  /** As `status` has it; null where nothing could be asked. */
  status: DestinationStatus | null;
}

/** Nodes of ai-memory and how each does; asks the running Syncline, or the data directory, if there are any. */
export async function listedOldPeers(context: CommandContext): Promise<ListedOldPeer[]> {
  const { config } = await context.config();
  const { peer } = config.memory.compat;
  if (peer.length === 0) return [];
  const { destinations } = await context.withOperator((operator) => operator.status());
  return peer.map(({ name, agent_id = name, url = null, send, take, unscoped }) => ({
    ...{ name, agent_id, url, send, take, unscoped },
    status: destinations.find(({ destination, stream }) => stream === 'memory' && destination === name) ?? null,
  }));
}

/** How nodes of ai-memory know this machine: its id, and the key that they check its requests with. */
export async function ownWireIdentity(
  context: CommandContext,
): Promise<{ agent_id: string; public_key: string | null }> {
  const parts = { loaded: await context.config(), paths: context.paths() };
  const agent_id = ownAgentId(parts);
  const key = new KeyDirectory(keysFolder(parts)).publicKeyOf(agent_id);
  return { agent_id, public_key: key && formatPublicKey(key) };
}

export function sayOldPeers(context: CommandContext, peers: readonly ListedOldPeer[]): void {
  const view = {
    ...{ now_ms: context.now_ms(), palette: context.palette, width: context.width() },
    user_home: context.host.user_home,
  };
  context.print(
    ...renderTable(
      [
        { title: 'ai-memory', text: ({ name }) => name, shrink_to: 8 },
        { title: 'address', text: ({ url }) => url ?? 'speaks to this machine', shrink_to: 16 },
        { title: 'gets', text: ({ send, unscoped }) => said(send, unscoped ? ' and without a scope' : '') },
        { title: 'writes', text: ({ take }) => said(take, '') },
        { title: 'state', text: ({ status }) => (status ? destinationText(status, view) : 'unknown') },
      ],
      peers,
      context.width(),
      context.palette,
    ),
  );
}

function said(list: readonly string[], more: string): string {
  return list.length === 0 ? 'nothing' : `${list.join(', ')}${more}`;
}

function patterns(invocation: Invocation, option: string): string[] {
  return (invocation.text(option) ?? '')
    .split(',')
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== '');
}

/** What this program writes it must also accept. @throws UsageError `config.invalid` naming what is wrong; nothing is written */
function check(context: CommandContext, text: string): LoadedConfig {
  const { config_file } = context.paths();
  const draft = `${config_file}.draft`;
  mkdirSync(dirname(config_file), { recursive: true, mode: 0o700 });
  writeAtomically(draft, text);
  const { loaded, problems } = inspectConfig({ file: draft, env: context.host.env });
  rmSync(draft);
  if (loaded) return loaded;
  const lines = problems.map((problem) => `  ${formatProblem(problem).replace(draft, config_file)}`);
  throw new UsageError(
    'config.invalid',
    `The configuration would not be valid; nothing was changed.\n${lines.join('\n')}`,
    {
      ...(problems[0]?.key ? { field: problems[0].key } : {}),
      hint: 'Every key: docs/configuration.md.',
    },
  );
}

function write(context: CommandContext, text: string): void {
  const { config_file } = context.paths();
  if (existsSync(config_file)) copyFileSync(config_file, `${config_file}.bak`);
  writeAtomically(config_file, text);
}
