/** `config show|check|schema|path` */
import type { CommandContext } from '../context.ts';
import { UsageError, EXIT, type ExitCode } from '../../platform/errors.ts';
import { inspectConfig } from '../../config/load.ts';
import { nearest } from '../../platform/nearest.ts';
import { formatOrigin, formatProblem } from '../../config/problems.ts';
import { configSchema as zodSchema } from '../../config/schema.ts';
import { missingSalts, otherSalts } from '../../config/salts.ts';
import { effectiveValues, type EffectiveValue } from '../../config/show.ts';
import type { Invocation } from '../invocation.ts';
import { renderTable, type Column } from '../format/table.ts';

/** Every key in effect. Keys with their default only on demand: what somebody has set is what one looks for. */
export async function configShow(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const section = sectionArgument(invocation.argument(0));
  const loaded = await context.config();
  const all = effectiveValues(loaded).filter(({ key }) => section === null || key.split('.')[0] === section);
  if (context.options.json) {
    context.printJson('syncline.config/1', {
      file: loaded.file,
      file_exists: loaded.file_exists,
      values: all,
      notes: loaded.notes,
    });
    return EXIT.ok;
  }
  const shown = invocation.flag('all') || section !== null ? all : all.filter(({ origin }) => origin !== 'default');
  context.say(`${loaded.file}${loaded.file_exists ? '' : ' (not there: everything has its default)'}`);
  if (shown.length > 0) context.print(...renderTable(COLUMNS, shown, context.width(), context.palette));
  if (shown.length < all.length)
    context.say(`${all.length - shown.length} keys have their default; see them with --all.`);
  context.say(...loaded.notes);
  return EXIT.ok;
}

const COLUMNS: readonly Column<EffectiveValue>[] = [
  { title: 'key', text: ({ key }) => key },
  {
    title: 'value',
    text: ({ value }) => (value === null ? '–' : typeof value === 'string' ? value : JSON.stringify(value)),
    shrink_to: 16,
  },
  { title: 'from', text: ({ from }) => from, shrink_to: 12 },
];

function sectionArgument(written: string | null): string | null {
  const sections = Object.keys(zodSchema.shape);
  if (written === null || sections.includes(written)) return written;
  const meant = nearest(written, sections);
  throw new UsageError('usage.section', `There is no section ${JSON.stringify(written)}.`, {
    hint: meant === null ? `Sections: ${sections.join(', ')}.` : `Did you mean ${meant}?`,
  });
}

/** All problems at once, as data: exit 2 when there is one. */
export async function configCheck(context: CommandContext): Promise<ExitCode> {
  const { config_file: file, config_required: file_required } = context.paths();
  const { env } = context.host;
  const { loaded, problems: found } = inspectConfig({ file, file_required, env });
  const problems = loaded ? [...found, ...missingSalts(loaded), ...otherSalts(loaded, env)] : found;
  const exit = problems.length === 0 ? EXIT.ok : EXIT.usage;
  const notes = loaded?.notes ?? [];
  if (context.options.json) {
    const listed = problems.map(({ key, message, origin }) => ({
      key,
      message,
      origin: origin.kind,
      from: formatOrigin(origin),
    }));
    context.printJson('syncline.config-check/1', { file, valid: problems.length === 0, problems: listed, notes });
    return exit;
  }
  context.print(...problems.map(formatProblem));
  if (problems.length > 0)
    context.say(`${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}; nothing was done.`);
  else
    context.say(
      loaded?.file_exists === true ? `${file} is valid.` : `${file} is not there: everything has its default.`,
    );
  context.say(...notes);
  return exit;
}

/** Always JSON, with or without `--json`: it is a JSON Schema. */
export async function configSchema(context: CommandContext): Promise<ExitCode> {
  const { configJsonSchema } = await import('../../config/json-schema.ts');
  context.host.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
  return EXIT.ok;
}

export async function configPath(context: CommandContext): Promise<ExitCode> {
  const { config_file, home, profile } = context.paths();
  if (context.options.json) context.printJson('syncline.config-path/1', { config_file, home, profile });
  else context.print(`configuration  ${config_file}`, `state          ${home}`);
  return EXIT.ok;
}
