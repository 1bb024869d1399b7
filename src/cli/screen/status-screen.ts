/** `status` for people. Offline is a state, not an error (product page §4, row 21). */
import type { DestinationStatus, StatusReport } from '../../runtime/operator.ts';
import { passedOver } from '../../runtime/skipped.ts';
import { formatBytes } from '../format/bytes.ts';
import { pad, type Palette } from '../format/color.ts';
import { formatCount, formatItems } from '../format/count.ts';
import { formatDuration } from '../format/duration.ts';
import { formatMoney } from '../format/money.ts';
import { safe } from '../format/safe.ts';
import { formatRecent } from '../format/time.ts';
import { agentName } from './agent-name.ts';
import { keptLines } from './kept-lines.ts';
import { labelled } from './labelled.ts';
import { percent } from './progress-bar.ts';
import { shortPath } from './short-path.ts';

export interface StatusView {
  now_ms: number;
  user_home: string;
  palette: Palette;
  width: number;
}

export function renderStatus(status: StatusReport, view: StatusView): string[] {
  const { palette } = view;
  const sections: [label: string, lines: string[]][] = [
    ['Running', [runningLine(status, view)]],
    ['Home', [`${shortPath(status.home, view.user_home)}   ${storageText(status)}`]],
    ['Sources', sourceLines(status, view)],
    ['Kept', keptLines(status, view)],
    ['Known', [...memoryLines(status), ...peerLines(status, view)]],
    ['Delivery', deliveryLines(status, view)],
    ['Spool', spoolLines(status)],
    ['Loops', loopLines(status, view)],
    ['Removed', removedLines(status)],
    ['Today', todayLines(status)],
  ];
  return [
    ...sections.flatMap(([label, lines]) => labelled(label, lines, view.width, palette)),
    ...status.warnings.map((warning) => palette.yellow(`! ${safe(warning)}`)),
  ];
}

function runningLine(status: StatusReport, { now_ms, palette }: StatusView): string {
  if (!status.running) return `${palette.yellow('no')}; this is what the databases say   start: syncline up`;
  const since = status.started_ms === null ? '' : ` since ${formatRecent(status.started_ms, now_ms)}`;
  const pid = status.pid === null ? '' : `   process ${status.pid}`;
  return `${palette.green('yes')}${since}${pid}${status.url === null ? '' : `   ${status.url}`}   ${status.version}`;
}

function storageText({ storage }: StatusReport): string {
  const used = `${formatBytes(storage.bytes)} of ${formatBytes(storage.cap_bytes)}`;
  return storage.full ? `${used}, full: reading has stopped, nothing is lost` : used;
}

function sourceLines({ sources }: StatusReport, { user_home }: StatusView): string[] {
  const present = sources.filter(({ exists }) => exists);
  if (present.length === 0) return ['none found   see: syncline doctor'];
  const names = present.map(({ agent }) => agentName(agent));
  const width = Math.max(...names.map((name) => name.length));
  return present.map((source, index) => {
    const { copies, excluded, lines } = passedOver(source.skipped);
    const parts = [
      formatItems(source.sessions, 'session'),
      source.bytes === 0 ? '' : `${percent(source.read_bytes, source.bytes)} of ${formatBytes(source.bytes)} read`,
      copies === 0 ? '' : `${formatItems(copies, 'copy', 'copies')} of earlier turns`,
      excluded === 0 ? '' : `${formatItems(excluded, 'event')} excluded`,
      lines === 0 ? '' : `${formatItems(lines, 'line')} skipped`,
      shortPath(source.path, user_home),
      safe(source.note ?? ''),
    ];
    return `${pad(names[index] ?? '', width)}  ${parts.filter((part) => part !== '').join('   ')}`;
  });
}

function memoryLines({ memory }: StatusReport): string[] {
  if (memory === null || memory.operations === 0) return [];
  const { memories, archived, pending } = memory;
  const parts = [
    formatItems(memories, 'memory', 'memories'),
    archived === 0 ? '' : `${formatCount(archived)} archived`,
    pending === 0
      ? ''
      : `${formatItems(pending, 'action')} ${pending === 1 ? 'waits' : 'wait'} for a yes   see: syncline memory pending list`,
  ];
  return [parts.filter((part) => part !== '').join('   ')];
}

/** How many machines share it, and those that are behind. */
function peerLines({ memory }: StatusReport, { now_ms, palette }: StatusView): string[] {
  const peers = memory?.peers?.peers ?? [];
  if (memory === null || memory.peers === null) return [];
  const { members, reachable } = memory.peers;
  const behind = peers
    .filter(({ waiting }) => waiting > 0)
    .map(({ name, waiting, heard_ms }) => {
      const heard = heard_ms === null ? 'not heard since the start' : `heard ${formatRecent(heard_ms, now_ms)}`;
      return `${safe(name)} lacks ${formatItems(waiting, 'operation')}, ${heard}`;
    });
  const differs = peers.filter(({ diverged_since_ms }) => diverged_since_ms !== null).map(({ name }) => safe(name));
  const parts = [
    `shared by ${formatItems(members, 'machine')}, ${formatCount(reachable)} here now`,
    ...behind,
    differs.length === 0 ? '' : palette.yellow(`differs from ${differs.join(', ')}`),
  ];
  return [`${parts.filter((part) => part !== '').join('   ')}   see: syncline memory peers list`];
}

function deliveryLines(status: StatusReport, view: StatusView): string[] {
  const lines = status.nothing_leaves ? ['nothing leaves this machine: no team joined, no destination set'] : [];
  const names = status.destinations.map((destination) => nameAmong(status.destinations, destination));
  const width = Math.max(0, ...names.map((name) => name.length));
  for (const [i, destination] of status.destinations.entries())
    lines.push(`${pad(names[i] ?? '', width)}   ${destinationText(destination, view)}`);
  return lines;
}

/** With its stream where two streams go to destinations of one name, as both do to `local`. */
function nameAmong(all: readonly DestinationStatus[], { destination, stream }: DestinationStatus): string {
  const namesakes = all.filter((other) => other.destination === destination);
  return namesakes.length === 1 ? destination : `${destination} (${stream})`;
}

/** `offline since 14:02, 1,204 items wait, oldest 3 h; nothing is lost` */
export function destinationText(destination: DestinationStatus, { now_ms, palette }: StatusView): string {
  const notes = [
    destination.insecure ? palette.yellow('not encrypted') : '',
    destination.dead_letters > 0
      ? palette.red(`${formatItems(destination.dead_letters, 'dead letter')}   see: syncline dead-letters list`)
      : '',
    destination.on_hold === null
      ? ''
      : `${formatCount(destination.on_hold.items)} on hold until ${formatRecent(destination.on_hold.until_ms, now_ms)}`,
    ...destination.held.map(
      ({ since_ms, class: reason, message }) =>
        `held since ${formatRecent(since_ms, now_ms)}, ${reason}: ${safe(message)}`,
    ),
  ].filter((note) => note !== '');
  return [stateText(destination, now_ms, palette), ...notes].join('   ');
}

function stateText(destination: DestinationStatus, now_ms: number, palette: Palette): string {
  const { waiting, offline_since_ms, last_success_ms, state } = destination;
  const wait = waitingText(destination, now_ms);
  if (state === 'paused') return `${palette.yellow('paused')}, ${wait}; nothing is lost`;
  if (state === 'removed') return 'removed from the configuration';
  if (offline_since_ms !== null) {
    const why = destination.last_error === null ? '' : `   ${safe(destination.last_error.message)}`;
    return `${palette.yellow(`offline since ${formatRecent(offline_since_ms, now_ms)}`)}, ${wait}; nothing is lost${why}`;
  }
  const last = last_success_ms === null ? '' : `, last delivery ${formatRecent(last_success_ms, now_ms)}`;
  const up_to_date = waiting === 0 ? palette.green('up to date') : wait;
  return `${state === 'draining' ? 'draining, ' : ''}${up_to_date}, ${formatCount(destination.acknowledged)} delivered${last}`;
}

function waitingText({ waiting, oldest_waiting_ms }: DestinationStatus, now_ms: number): string {
  const age_ms = oldest_waiting_ms === null ? null : Math.max(0, now_ms - oldest_waiting_ms);
  const oldest = waiting === 0 || age_ms === null ? '' : `, oldest ${formatDuration(age_ms)}`;
  return `${formatCount(waiting)} ${waiting === 1 ? 'item waits' : 'items wait'}${oldest}`;
}

function spoolLines({ spool }: StatusReport): string[] {
  if (spool.bytes === 0 && spool.dropped === 0) return [];
  const dropped =
    spool.dropped === 0
      ? ''
      : `   ${formatItems(spool.dropped, 'hook event')} dropped; transcripts recover what they hold`;
  return [`${formatBytes(spool.bytes)} of ${formatBytes(spool.cap_bytes)}${dropped}`];
}

/** Only what does not run as it should: a list of healthy loops helps nobody. */
function loopLines({ loops }: StatusReport, { now_ms, palette }: StatusView): string[] {
  return loops
    .filter(({ last_error }) => last_error !== null)
    .map(
      ({ name, state, last_error, since_ms }) =>
        `${name} ${palette.yellow(state)} since ${formatRecent(since_ms, now_ms)}: ${safe(last_error ?? '')}`,
    );
}

function removedLines({ removed }: StatusReport): string[] {
  const rules = Object.entries(removed).sort(([, a], [, b]) => b - a);
  const count = rules.reduce((sum, [, fired]) => sum + fired, 0);
  if (count === 0) return [];
  const most = rules.slice(0, 3).map(([rule, fired]) => `${rule} ${formatCount(fired)}`);
  return [
    `${formatItems(count, 'secret')} before anything was stored   ${most.join(', ')}${rules.length > 3 ? ', …' : ''}`,
  ];
}

function todayLines({ today }: StatusReport): string[] {
  if (today === null) return [];
  if (today.sessions === 0) return ['nothing yet'];
  const cost = today.cost_usd === null ? 'cost unknown' : `${formatMoney(today.cost_usd)} list price`;
  return [
    `${cost}   ${formatItems(today.sessions, 'session')}   ${formatItems(today.tool_calls, 'tool call')}, ${formatCount(today.tool_failures)} failed`,
  ];
}
