/** `records status`: each object, both sources, the budget of calls. */
import { EXIT, type ExitCode } from '../../../platform/errors.ts';
import type { RecordsObjectStatus, RecordsStatus } from '../../../runtime/records/records-verbs.ts';
import type { CommandContext } from '../../context.ts';
import type { Palette } from '../../format/color.ts';
import { formatCount, formatItems } from '../../format/count.ts';
import { formatDuration } from '../../format/duration.ts';
import { safe } from '../../format/safe.ts';
import { formatRecent } from '../../format/time.ts';
import { withRecords } from './opening.ts';

/** A writer that runs so long holds back what others changed. */
const LONG_HOLE_MS = 60_000;

export async function status(context: CommandContext): Promise<ExitCode> {
  const verbs = await import('../../../runtime/records/records-verbs.ts');
  const report = await withRecords(context, (directory) => verbs.status(directory, context.host.signal));
  if (context.options.json) context.printJson('syncline.records.status/1', report);
  else context.print(...statusLines(report, context.now_ms(), context.palette));
  return report.objects.every(isWell) ? EXIT.ok : EXIT.no;
}

function isWell({ state, paused, held, conflicts }: RecordsObjectStatus): boolean {
  return state === 'applied' && paused === null && held === 0 && conflicts === 0;
}

/** Lines for a person. No key and no value. */
export function statusLines(
  { objects, outbox, calls, calls_problem }: RecordsStatus,
  now_ms: number,
  palette: Palette,
): string[] {
  const hole =
    outbox.hole_age_ms === null
      ? ''
      : `   ${outbox.hole_age_ms > LONG_HOLE_MS ? palette.yellow('held back') : 'held back'} by a transaction that has run for ${formatDuration(outbox.hole_age_ms)}`;
  const age = outbox.oldest_ms === null ? '' : `, the oldest ${formatRecent(outbox.oldest_ms, now_ms)}`;
  return [
    ...objects.flatMap((one) => objectLines(one, now_ms, palette)),
    `Outbox      ${formatItems(outbox.waiting, 'change')} to be read${age}${hole}`,
    `API calls   ${calls === null ? palette.yellow(safe(calls_problem ?? 'unknown')) : `${formatCount(calls.used)} of ${formatCount(calls.max)} today`}`,
  ];
}

function objectLines(one: RecordsObjectStatus, now_ms: number, palette: Palette): string[] {
  const { creates, updates, deletes } = one.this_hour.salesforce;
  const table = one.this_hour.postgres;
  const lines = [
    `${palette.bold(safe(one.object))}   ${stateText(one, palette)}`,
    `  ${formatItems(one.pairs, 'pair')}   ${one.waiting === 0 ? 'in step' : `${formatItems(one.waiting, 'change')} waiting${one.oldest_waiting_ms === null ? '' : `, since ${formatRecent(one.oldest_waiting_ms, now_ms)}`}`}`,
    `  this hour: Salesforce ${creates} created, ${updates} updated, ${deletes} deleted; PostgreSQL ${table.creates} created, ${table.updates} updated, ${table.deletes} deleted`,
    one.compared_ms === null
      ? '  never compared: syncline records drift'
      : `  compared ${formatRecent(one.compared_ms, now_ms)}: ${one.drifted === 0 ? 'no drift' : formatItems(one.drifted ?? 0, 'record') + ' drifted'}`,
  ];
  if (one.conflicts > 0)
    lines.push(palette.yellow(`  ${formatItems(one.conflicts, 'conflict')}   see: syncline conflicts list`));
  if (one.held > 0)
    lines.push(
      palette.red(`  ${formatItems(one.held, 'dead letter')}   see: syncline dead-letters list --stream records`),
    );
  if (one.last_error !== null && one.failing > 0)
    lines.push(`  ${formatItems(one.failing, 'record')} refused so far: ${safe(one.last_error.message)}`);
  return lines;
}

function stateText({ state, paused, problem, object }: RecordsObjectStatus, palette: Palette): string {
  if (paused !== null)
    return palette.yellow(`paused: ${safe(paused.message)}   go on: syncline resume records/${object} [--allow N]`);
  switch (state) {
    case 'applied':
      return palette.green('kept in step');
    case 'stopped':
      return palette.yellow('stopped: the mapping changed   see: syncline records plan');
    case 'unusable':
      return palette.red(`unusable: ${safe(problem ?? '')}`);
    case 'new':
    case 'planned':
    case 'replaced':
      return `not applied: nothing is written   see: syncline records plan`;
  }
}
