/** The conversations kept here, as `status` and the first screen tell them. */
import type { StatusReport } from '../../runtime/operator.ts';
import type { SessionsSourceStatus } from '../../runtime/session-verbs.ts';
import type { Palette } from '../format/color.ts';
import { formatCount, formatItems } from '../format/count.ts';
import { safe } from '../format/safe.ts';
import { formatRecent } from '../format/time.ts';

export interface KeptView {
  now_ms: number;
  palette: Palette;
}

/** `312 conversations, 48,112 messages` */
export function keptText({ sessions, messages }: NonNullable<StatusReport['conversations']>): string {
  return `${formatItems(sessions, 'conversation')}, ${formatItems(messages, 'message')}`;
}

/** What is kept, and the source it comes from; of another source only what went wrong. */
export function keptLines({ conversations }: StatusReport, view: KeptView): string[] {
  if (conversations === null) return [];
  const { removed, last_stored_ms, sources } = conversations;
  const secrets = Object.values(removed).reduce((sum, fired) => sum + fired, 0);
  const last = last_stored_ms === null ? '' : `   last stored ${formatRecent(last_stored_ms, view.now_ms)}`;
  const without = secrets === 0 ? '' : `   ${formatItems(secrets, 'secret')} removed`;
  return [`${keptText(conversations)}${without}${last}`, ...sourceLines(sources, view)];
}

function sourceLines(sources: readonly SessionsSourceStatus[], view: KeptView): string[] {
  if (!sources.some(({ in_use }) => in_use))
    return ['read from nowhere: no agent keeps any here   see: syncline doctor'];
  return sources
    .filter(({ in_use, paused, last_error }) => in_use || paused !== null || last_error !== null)
    .map((source) => sourceText(source, view));
}

function sourceText(source: SessionsSourceStatus, { now_ms, palette }: KeptView): string {
  const { label, in_use, sessions, gone, failing, paused, last_error } = source;
  const parts = [
    `${in_use ? 'from' : 'not from'} ${safe(label)}: ${formatItems(sessions, 'session')}`,
    gone === 0 ? '' : `${formatCount(gone)} gone there, kept here`,
    failing === 0 ? '' : palette.yellow(`${formatCount(failing)} could not be read`),
    paused === null
      ? ''
      : palette.yellow(
          `paused since ${formatRecent(paused.since_ms, now_ms)}: ${formatCount(paused.vanished)} of ${formatCount(paused.known)} are missing`,
        ),
    last_error === null
      ? ''
      : `last error ${formatRecent(last_error.at_ms, now_ms)}: ${safe(`${last_error.message} (${last_error.code})`)}`,
  ];
  return parts.filter((part) => part !== '').join('   ');
}
