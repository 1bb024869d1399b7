/** The first screen of `up` (product page §1), as a function of the status. */
import { formatBytes } from '../format/bytes.ts';
import { pad, type Palette } from '../format/color.ts';
import { formatCount, formatItems } from '../format/count.ts';
import { formatDuration } from '../format/duration.ts';
import { formatMoney } from '../format/money.ts';
import { safe } from '../format/safe.ts';
import type { SourceStatus, StatusReport } from '../../runtime/operator.ts';
import { agentName } from './agent-name.ts';
import { keptText } from './kept-lines.ts';
import { labelled } from './labelled.ts';
import { percent, progressBar } from './progress-bar.ts';
import { shortPath } from './short-path.ts';

export interface FirstScreenView {
  width: number;
  user_home: string;
  palette: Palette;
  /** The link to the page, with its one-time key. */
  link: string | null;
  /** Time left to read everything, once it can be told. */
  remaining_ms: number | null;
  /** True when sample data is shown because nothing was found on this machine. */
  sample: boolean;
  /** True in a clone, where `syncline` is not on the PATH. */
  from_clone: boolean;
}

/** Lines of the whole screen. The Reading line is the only one that changes until everything is read. */
export function renderFirstScreen(status: StatusReport, view: FirstScreenView): string[] {
  const row = (label: string, texts: string[]): string[] => labelled(label, texts, view.width, view.palette, '  ');
  const lines = [
    ...row('Found', foundLines(status, view)),
    ...row('Reading', readingLine(status, view)),
    ...row('Today', todayLine(status)),
    ...row('Kept', keptLine(status, view)),
    ...row('Look', lookLine(view)),
    ...row('Removed', removedLine(status)),
    // The sample lives in a home of its own that other commands do not look at.
    ...row('Stop', [view.sample ? 'Ctrl-C' : 'Ctrl-C   or: syncline stop   Leave: syncline uninstall']),
  ];
  return [
    headline(status, view.palette),
    ...status.warnings.map((warning) => view.palette.yellow(`  ! ${safe(warning)}`)),
    ...(view.sample
      ? ['', view.palette.bold('  SAMPLE DATA  none of these figures are yours; they go away at the end')]
      : []),
    '',
    ...lines,
    ...(view.from_clone ? ['', '  In this folder `syncline` is: npm run -s syncline --'] : []),
  ];
}

function headline(status: StatusReport, palette: Palette): string {
  if (status.nothing_leaves)
    return `${palette.bold(`Syncline ${status.version}.`)} Everything stays on this machine: no team joined, no destination set.`;
  const names = status.destinations
    .filter(({ destination }) => destination !== 'local')
    .map(({ destination }) => destination);
  const insecure = status.destinations
    .filter((destination) => destination.insecure)
    .map(({ destination }) => destination);
  const warning = insecure.length === 0 ? '' : ` ${palette.yellow(`Not encrypted: ${insecure.join(', ')}.`)}`;
  const peers = status.memory?.peers?.peers ?? [];
  const parts = [
    names.length === 0 ? '' : `Delivers to: ${names.join(', ')}.`,
    peers.length === 0 ? '' : `Shares memories with ${formatItems(peers.length, 'machine')}.`,
    status.loops.some(({ name }) => name === RECORDS_LOOP) ? 'Keeps records in step: syncline records status.' : '',
  ].filter((part) => part !== '');
  return `${palette.bold(`Syncline ${status.version}.`)} ${parts.join(' ')}${warning}`;
}

/** As the daemon calls it. */
const RECORDS_LOOP = 'records';

function foundLines(status: StatusReport, { user_home }: FirstScreenView): string[] {
  const found = byAgent(status.sources.filter((source) => source.sessions > 0));
  if (found.length === 0) {
    const places = formatItems(status.sources.length, 'place');
    return [`no sessions of an agent on this machine; looked in ${places}   see: syncline doctor`];
  }
  const name_width = Math.max(...found.map((source) => agentName(source.agent).length));
  const count_width = Math.max(...found.map((source) => formatCount(source.sessions).length));
  const counts = found.map(
    ({ sessions, projects }) =>
      `${pad(formatCount(sessions), count_width, 'right')} ${sessions === 1 ? 'session' : 'sessions'}${projects > 0 ? `, ${formatItems(projects, 'project')}` : ''}`,
  );
  const counts_width = Math.max(...counts.map((text) => text.length));
  return found.map((source, index) =>
    `${pad(agentName(source.agent), name_width)}  ${pad(counts[index] ?? '', counts_width)}   ${safe(source.note ?? shortPath(source.path, user_home))}`.trimEnd(),
  );
}

/** One line for each agent, also when it keeps files in several places. */
function byAgent(sources: readonly SourceStatus[]): SourceStatus[] {
  const agents = new Map<string, SourceStatus>();
  for (const source of sources) {
    const known = agents.get(source.agent);
    agents.set(
      source.agent,
      known === undefined
        ? source
        : {
            ...known,
            sessions: known.sessions + source.sessions,
            projects: known.projects + source.projects,
            note: known.note ?? source.note,
          },
    );
  }
  return [...agents.values()];
}

function readingLine(status: StatusReport, { remaining_ms }: FirstScreenView): string[] {
  const total = sum(status.sources, ({ bytes }) => bytes);
  const read = sum(status.sources, ({ read_bytes }) => read_bytes);
  if (total === 0) return [];
  if (read >= total) return [`${progressBar(1, 1)}  all read   ${formatBytes(total)}   (read-only)`];
  const left = remaining_ms === null ? '' : `   ${formatDuration(remaining_ms)} left`;
  return [`${progressBar(read, total)}  ${percent(read, total)}   ${formatBytes(total)}${left}   (read-only)`];
}

function todayLine({ today }: StatusReport): string[] {
  if (today === null) return [];
  const { cost_usd, sessions, tool_calls, tool_failures } = today;
  if (sessions === 0) return ['nothing yet'];
  const cost = cost_usd === null ? 'cost unknown' : `${formatMoney(cost_usd)} list price`;
  const calls = `${formatItems(tool_calls, 'tool call')}, ${formatCount(tool_failures)} failed`;
  return [`${cost}   ${formatItems(sessions, 'session')}   ${calls}`];
}

function keptLine({ conversations }: StatusReport, { sample }: FirstScreenView): string[] {
  if (conversations === null || conversations.sessions === 0) return [];
  return [`${keptText(conversations)}${sample ? '' : '   syncline sessions search TEXT'}`];
}

function lookLine({ link, sample }: FirstScreenView): string[] {
  if (sample && link !== null) return [link];
  return [link === null ? 'syncline telemetry report' : `${link}   or: syncline telemetry report`];
}

function removedLine({ removed }: StatusReport): string[] {
  const count = sum(Object.values(removed), (fired) => fired);
  return [`${formatItems(count, 'secret')} before anything was stored   see: syncline preview`];
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
