/** `records plan` and `records apply`: what would be written, and the yes to it (R16). */
import { readFileSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { EXIT, UsageError, type ExitCode } from '../../../platform/errors.ts';
import { hasChanges, type PlanSummary, type SampleRow, type SideSummary } from '../../../records/plan/summary.ts';
import type { ObjectPlan } from '../../../records/sync/plan-object.ts';
import type { CommandContext } from '../../context.ts';
import { formatCount, formatItems } from '../../format/count.ts';
import { safe } from '../../format/safe.ts';
import type { Invocation } from '../../invocation.ts';
import { confirmed } from '../../prompts.ts';
import { actorOf, objectName, withRecords } from './opening.ts';
import { shownChange } from './values.ts';

const SCHEMA = 'syncline.records.plan/1';

export async function plan(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const verbs = await import('../../../runtime/records/records-verbs.ts');
  const { signal } = context.host;
  const plans = await withRecords(context, async (directory) => {
    const made: ObjectPlan[] = [];
    for (const object of verbs.objectsNamed(directory, invocation.rest(0).map(objectName))) {
      const { name } = object.mapping;
      const progress = (read: number): void => {
        if (read % 20_000 < 2_000 && read >= 20_000) context.say(`${name}: ${formatCount(read)} records read`);
      };
      made.push(await verbs.plan(directory, object, signal, progress));
    }
    return made;
  });
  const out = invocation.text('out');
  if (out !== null) writePlan(context, out, plans);
  if (context.options.json) context.printJson(SCHEMA, { plans });
  else context.print(...plans.flatMap((one) => planLines(context, one)));
  const changes = plans.some(({ summary }) => hasChanges(summary));
  if (out !== null) context.say(`Nothing was written. To do it: syncline records apply ${out}`);
  else context.say('Nothing was written. With --out FILE the plan is kept for `syncline records apply FILE`.');
  return changes ? EXIT.no : EXIT.ok;
}

function writePlan({ host }: CommandContext, file: string, plans: readonly ObjectPlan[]): void {
  const path = isAbsolute(file) ? file : join(host.cwd, file);
  writeFileSync(path, `${JSON.stringify({ schema: SCHEMA, plans }, null, 2)}\n`, { mode: 0o600 });
}

/** @throws UsageError `records.plan_file` */
function readPlan({ host }: CommandContext, file: string): ObjectPlan[] {
  const hint = 'Make one: syncline records plan --out FILE';
  try {
    const path = isAbsolute(file) ? file : join(host.cwd, file);
    const read = JSON.parse(readFileSync(path, 'utf8')) as { schema?: unknown; plans?: unknown };
    if (read.schema === SCHEMA && Array.isArray(read.plans) && read.plans.every(isPlan)) return read.plans;
  } catch (error) {
    throw new UsageError('records.plan_file', `${file} cannot be read as a plan`, {
      field: 'plan',
      hint,
      cause: error,
    });
  }
  throw new UsageError('records.plan_file', `${file} is no plan of records`, { field: 'plan', hint });
}

function isPlan(value: unknown): value is ObjectPlan {
  const plan = value as Partial<ObjectPlan> | null;
  const texts = [plan?.object, plan?.version, plan?.walk_id];
  const sides = [plan?.summary?.salesforce, plan?.summary?.postgres];
  const counts = sides.flatMap((side) => [side?.creates, side?.updates, side?.deletes]);
  const numbers = [plan?.changes, plan?.most_moved, ...counts];
  return texts.every((text) => typeof text === 'string') && numbers.every((number) => Number.isSafeInteger(number));
}

export async function apply(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const verbs = await import('../../../runtime/records/records-verbs.ts');
  const plans = readPlan(context, invocation.argument(0) ?? '');
  if (!context.options.json) context.print(...plans.flatMap((one) => planLines(context, one)));
  const changes = plans.reduce((sum, one) => sum + one.changes, 0);
  if (
    !(await confirmed(
      context,
      `Write ${formatItems(changes, 'change')} and keep ${plans.map(({ object }) => object).join(', ')} in step from now on?`,
    ))
  ) {
    context.say('Nothing was written.');
    return EXIT.no;
  }
  const applied = await withRecords(context, async (directory) => {
    const done: { object: string; keys: number }[] = [];
    for (const one of plans) {
      const object = verbs.objectNamed(directory, one.object);
      const { keys } = await verbs.apply(directory, object, one, actorOf(context), context.host.signal);
      done.push({ object: one.object, keys });
    }
    return done;
  });
  if (context.options.json) context.printJson('syncline.records.apply/1', { applied });
  for (const { object, keys } of applied)
    context.say(`${object}: ${formatItems(keys, 'record')} are being brought into step. See: syncline records status`);
  context.say('They are written by `syncline up` or `syncline server`, or now with: syncline flush records');
  return EXIT.ok;
}

function planLines(context: CommandContext, plan: ObjectPlan): string[] {
  const { summary, missing, ambiguous, unkeyed } = plan;
  const { palette } = context;
  const { conflicts, api_calls } = summary;
  const notes = [
    conflicts.records > 0 ? `${formatItems(conflicts.records, 'conflict')}: ${counts(conflicts.by_field)}` : '',
    missing.salesforce + missing.postgres > 0
      ? `${formatItems(missing.salesforce + missing.postgres, 'record')} missing on one side without a deletion that was seen`
      : '',
    ambiguous > 0 ? `${formatItems(ambiguous, 'external id')} of several records: left alone` : '',
    unkeyed > 0 ? `${formatItems(unkeyed, 'record')} in Salesforce without an external id: left alone` : '',
    ...summary.skipped.map(
      ({ field, reason, count }) =>
        `${formatItems(count, 'record')} skipped${field === null ? '' : ` at ${safe(field)}`}: ${reason}`,
    ),
    ...(plan.ignored ?? []).map(
      (name) => `${name} is not used in this version: what has no common external id is left alone`,
    ),
  ].filter((note) => note !== '');
  return [
    `${palette.bold(safe(plan.object))}   ${formatItems(summary.records, 'record')}, ${formatCount(summary.in_step)} in step   mapping ${plan.version}`,
    `  Salesforce  ${sideText(summary.salesforce)}`,
    `  PostgreSQL  ${sideText(summary.postgres)}`,
    ...notes.map((note) => `  ${palette.yellow(note)}`),
    `  about ${formatItems(totalCalls(api_calls), 'API call')}`,
    ...sampleLines(summary),
    '',
  ];
}

function sideText({ creates, updates, deletes, updates_by_field, put_back }: SideSummary): string {
  if (creates + updates + deletes === 0) return 'nothing to write';
  const fields = updates > 0 ? ` (${counts(updates_by_field)}${put_back > 0 ? `, ${put_back} put back` : ''})` : '';
  return `${formatCount(creates)} created, ${formatCount(updates)} updated${fields}, ${formatCount(deletes)} deleted`;
}

function counts(by_field: Readonly<Record<string, number>>): string {
  return Object.entries(by_field)
    .map(([field, count]) => `${safe(field)} ${formatCount(count)}`)
    .join(', ');
}

function totalCalls(calls: PlanSummary['api_calls']): number {
  return Object.values(calls).reduce((sum: number, one) => sum + (typeof one === 'number' ? one : 0), 0);
}

function sampleLines({ samples }: PlanSummary): string[] {
  return samples.map((sample) => `    ${sampleText(sample)}`);
}

function sampleText({ key, side, operation, changes }: SampleRow): string {
  const where = side === null ? '' : ` in ${side === 'salesforce' ? 'Salesforce' : 'PostgreSQL'}`;
  const values = changes.map(({ field, before, after }) => shownChange(field, before, after)).join(', ');
  return `${safe(key)}  ${operation}${where}  ${values}`;
}
