/** `memory invite`, `memory join LINK`, `memory peers list|remove|renew`: which machines share this memory; `add` is in `old-peers.ts`. */
import { hostname } from 'node:os';
import { parseListen } from '../../../config/fields.ts';
import {
  InvitationFile,
  readLink,
  writeLink,
  type Invitation,
} from '../../../memory/replication/pairing/invitation.ts';
import { joinByLink } from '../../../memory/replication/pairing/join.ts';
import { openMemberCertificate, openMemberKey } from '../../../memory/replication/pairing/member-key.ts';
import { PeerBook, type PairedPeer } from '../../../memory/replication/pairing/peer-book.ts';
import type { PeerStatus, ReplicationStatus } from '../../../memory/replication/replication-status.ts';
import { EXIT, SynclineError, UsageError, type ExitCode } from '../../../platform/errors.ts';
import { deviceName } from '../../../runtime/device-name.ts';
import type { CommandContext } from '../../context.ts';
import { listedOldPeers, ownWireIdentity, removeOldPeer, sayOldPeers } from './old-peers.ts';
import { renderTable, type Column } from '../../format/table.ts';
import { formatCount, formatItems } from '../../format/count.ts';
import { formatDuration } from '../../format/duration.ts';
import { safe } from '../../format/safe.ts';
import { formatDayTime, formatRecent } from '../../format/time.ts';
import type { Invocation } from '../../invocation.ts';
import { confirmed } from '../../prompts.ts';

const LOOK_MS = 500;

/** Prints a link, then waits until somebody has used it or its time is over. */
export async function invite(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const { config } = await context.config();
  const { keys_dir } = context.paths();
  const url = invocation.text('url') ?? ownUrl(config.memory.listen);
  if (url === null)
    throw new UsageError('memory.listen', 'No port for members is open on this machine, so none could join', {
      field: 'memory.listen',
      hint: 'Set memory.listen = "0.0.0.0:4778", start Syncline anew, and invite again; or invite from the other machine.',
    });
  const { fingerprint } = openMemberKey(keys_dir);
  const file = new InvitationFile(keys_dir, context.host.clock);
  const name = deviceName(config.memory.name);
  const { secret, until_ms } = file.open({ name, url }, context.host.random);
  const link = writeLink({ url, fingerprint, secret });
  if (context.options.json) context.printJson('syncline.memory_invitation/1', { link, until_ms });
  else context.print(link);
  context.say(
    'Good once and for ten minutes. On the other machine:',
    `  syncline memory join '${link}'`,
    'Syncline must be running here meanwhile. Waiting; Ctrl-C leaves the link open.',
  );
  const used = await waitUntilUsed(context, file, secret);
  if (used === null) {
    context.say(context.host.signal.aborted ? 'The link is still open.' : 'Nobody has joined; the link is void.');
    return context.exitUnlessInterrupted(EXIT.no);
  }
  context.say(`Paired with ${used.name}.`, `Both machines show these words: ${used.words}`);
  return EXIT.ok;
}

async function waitUntilUsed(
  { host }: CommandContext,
  file: InvitationFile,
  secret: string,
): Promise<Invitation['used']> {
  while (!host.signal.aborted) {
    const now = file.read();
    if (now?.secret !== secret) return null;
    if (now.used) return now.used;
    await host.timers.sleep(LOOK_MS, host.signal);
  }
  return null;
}

/** Exchanges keys with the machine that made the link. From then on both have all memories of each other: so it asks. */
export async function join(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const { config } = await context.config();
  const { keys_dir } = context.paths();
  const link = invocation.argument(0) ?? '';
  const { host: place } = new URL(readLink(link).url);
  const question = `Share all memories of this machine with the one at ${place}, and take all of its?`;
  if (!(await confirmed(context, question))) {
    context.say('Nothing was changed.');
    return EXIT.no;
  }
  const { peer, words } = await joinByLink({
    link,
    own: await openMemberCertificate(keys_dir),
    book: new PeerBook(keys_dir),
    name: invocation.text('name') ?? deviceName(config.memory.name),
    url: invocation.text('url') ?? ownUrl(config.memory.listen),
    clock: context.host.clock,
    signal: context.host.signal,
  });
  if (context.options.json)
    context.printJson('syncline.memory_peer/1', { name: peer.name, member: peer.member, words });
  context.say(
    `Paired with ${peer.name}.`,
    `Both machines show these words: ${words}`,
    'If the other one shows others, remove it: syncline memory peers remove.',
  );
  return EXIT.ok;
}

type ListedPeer = Pick<PairedPeer, 'name' | 'member' | 'url' | 'added_ms'> & { progress: PeerStatus | null };

/** Names and addresses; of a running Syncline also how far each has got, and whether it agrees. */
export async function listPeers(context: CommandContext): Promise<ExitCode> {
  const book = new PeerBook(context.paths().keys_dir).peers();
  const status = book.length === 0 ? null : await statusOf(context);
  const peers = book.map(({ name, member, url, added_ms }) => ({
    ...{ name, member, url, added_ms },
    progress: status?.peers.find((peer) => peer.member === member) ?? null,
  }));
  const old_peers = await listedOldPeers(context);
  const own = old_peers.length > 0 ? await ownWireIdentity(context) : null;
  if (context.options.json) {
    const { peers: _, ...rest } = status ?? { peers: [] };
    const old = { old_peers, own_on_old_wire: own };
    context.printJson('syncline.memory_peers/1', { peers, status: status === null ? null : rest, ...old });
    return EXIT.ok;
  }
  if (peers.length + old_peers.length === 0)
    context.say('This machine shares its memory with no other. Pair two: syncline memory invite');
  if (peers.length > 0)
    context.print(
      ...renderTable(columns(context.now_ms(), status !== null), peers, context.width(), context.palette),
      ...(status?.parked ?? []).map(({ operation, reason }) => `Set aside here: ${operation} (${safe(reason)})`),
    );
  if (old_peers.length > 0) sayOldPeers(context, old_peers);
  if (own)
    context.say(`They know this machine as ${own.agent_id}, by the key ${own.public_key ?? 'made at its start'}.`);
  return EXIT.ok;
}

/** Null where nothing runs, or nothing is remembered: then nobody is spoken to. */
async function statusOf(context: CommandContext): Promise<ReplicationStatus | null> {
  try {
    const status = await context.withMemories((access) => access.peers());
    return status.running ? status : null;
  } catch (error) {
    if (error instanceof SynclineError && error.code === 'memory.off') return null;
    throw error;
  }
}

function columns(now_ms: number, running: boolean): Column<ListedPeer>[] {
  const said = (text: (progress: PeerStatus) => string) => (peer: ListedPeer) =>
    peer.progress === null ? '' : text(peer.progress);
  const live: Column<ListedPeer>[] = [
    { title: 'state', text: said(({ link, paused }) => (paused ? 'paused' : (link?.state ?? 'dials us'))) },
    { title: 'heard', text: said(({ heard_ms }) => (heard_ms === null ? 'never' : formatRecent(heard_ms, now_ms))) },
    { title: 'lacks', text: said((progress) => lagText(progress, now_ms)), align: 'right' },
    { title: 'agrees', text: said(agreementText) },
  ];
  return [
    { title: 'name', text: ({ name }) => name, shrink_to: 8 },
    { title: 'member', text: ({ member }) => member, from_width: running ? 110 : 0 },
    { title: 'address', text: ({ url }) => url ?? 'dials this machine', shrink_to: 16 },
    ...(running ? live : []),
    { title: 'paired', text: ({ added_ms }) => formatDayTime(added_ms), from_width: running ? 130 : 0 },
  ];
}

/** `12 (40 s)`: operations that it lacks, and how long the first of them has waited. */
function lagText({ waiting, waiting_since_ms }: PeerStatus, now_ms: number): string {
  if (waiting === 0) return '0';
  const since = waiting_since_ms === null ? '' : ` (${formatDuration(Math.max(0, now_ms - waiting_since_ms))})`;
  return `${formatCount(waiting)}${since}`;
}

function agreementText({ diverged_since_ms, checked_ms, link }: PeerStatus): string {
  if ((link?.held.length ?? 0) > 0) return 'set something aside';
  if (diverged_since_ms !== null) return 'differs';
  return checked_ms === null ? 'not compared' : 'yes';
}

/** From now on this machine numbers what it writes anew; what others do not have is told again under the new number. */
export async function renew(context: CommandContext): Promise<ExitCode> {
  const question = 'Number what this machine writes anew? Nothing is lost; the others keep what they have.';
  if (!(await confirmed(context, question))) {
    context.say('Nothing was changed.');
    return EXIT.no;
  }
  const { origin, told, restamped } = await context.withMemories((access) => access.renew());
  if (context.options.json) context.printJson('syncline.memory_renewed/1', { origin, told, restamped });
  context.say(
    `From now on this machine writes as ${origin}. ${formatItems(told, 'operation')} that no other machine was seen to have ${told === 1 ? 'goes' : 'go'} on under it.`,
  );
  if (restamped > 0)
    context.say(
      `${formatItems(restamped, 'operation')} of a clock that was ahead now ${restamped === 1 ? 'has' : 'have'} the time of this moment.`,
    );
  return EXIT.ok;
}

/** The other one keeps what it has; it gets and gives nothing any more. */
export async function removePeer(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const name = invocation.argument(0) ?? '';
  const exit = await removeOldPeer(context, name);
  if (exit !== null) return exit;
  const question = `Stop sharing memories with ${JSON.stringify(name)}? It keeps what it has.`;
  if (!(await confirmed(context, question))) {
    context.say('Nothing was changed.');
    return EXIT.no;
  }
  const removed = new PeerBook(context.paths().keys_dir).remove(name);
  if (context.options.json) context.printJson('syncline.memory_peer/1', { name: removed.name, member: removed.member });
  context.say(`${removed.name} is no longer paired with this machine.`);
  return EXIT.ok;
}

/** Where members reach this machine; null where no port is open to other machines. */
function ownUrl(configured: string | undefined): string | null {
  const listen = configured === undefined ? null : parseListen(configured);
  if (!listen) return null;
  const any = listen.host === '0.0.0.0' || listen.host === '::';
  const host = any ? hostname() : listen.host;
  return `https://${host.includes(':') ? `[${host}]` : host}:${listen.port}`;
}
