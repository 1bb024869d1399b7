/** `records init`: sign-in, rights, a mapping to review, the SQL to review (R19). */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { EXIT, UsageError, type ExitCode } from '../../../platform/errors.ts';
import type { UnsetRecords } from '../../../runtime/records/set-up-records.ts';
import type { CommandContext } from '../../context.ts';
import { formatItems } from '../../format/count.ts';
import { safe } from '../../format/safe.ts';
import type { Invocation } from '../../invocation.ts';
import { confirmed } from '../../prompts.ts';
import { recordsInputsOf } from './opening.ts';

export async function init(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const set_up = await import('../../../runtime/records/set-up-records.ts');
  const inputs = await recordsInputsOf(context);
  const { signal } = context.host;
  if (await set_up.needsSignIn(inputs)) {
    const screens = {
      open: async (address: string): Promise<void> => {
        context.say(`Sign in to Salesforce in the browser: ${address}`);
        await context.host.openBrowser(address, context.paths());
      },
      show: async ({ address, code }: { address: string; code: string }): Promise<void> =>
        Promise.resolve(context.say(`Sign in to Salesforce at ${address} with the code ${code}`)),
    };
    await set_up.signIn(inputs, invocation.flag('device') ? 'device' : 'browser', screens, signal);
    context.say('Signed in.');
  }
  await using unset = set_up.openUnset(inputs);
  const object = invocation.text('object');
  const is_ready = await sayRights(context, unset, object);
  if (object !== null) return proposeFile(context, invocation, unset, object);
  if (unset.mappings.length === 0) {
    context.say(
      'No object is mapped yet. Propose a mapping: syncline records init --object Account --table public.accounts',
    );
    return EXIT.no;
  }
  return (await setUpDatabase(context, invocation, unset)) && is_ready ? EXIT.ok : EXIT.no;
}

async function sayRights(context: CommandContext, unset: UnsetRecords, object: string | null): Promise<boolean> {
  const { permissions } = await import('../../../runtime/records/set-up-records.ts');
  const { findings } = await permissions(unset, object === null ? [] : [object], context.host.signal);
  const { palette } = context;
  const marks = { ok: palette.green('ok     '), note: palette.yellow('note   '), missing: palette.red('missing') };
  context.print(...findings.map(({ weight, object: about, message }) => `${marks[weight]}  ${safe(about ?? 'Salesforce')}: ${safe(message)}`)); // prettier-ignore
  return findings.every(({ weight }) => weight !== 'missing');
}

/** Never over a file that is there: somebody reviewed it. */
async function proposeFile(
  context: CommandContext,
  invocation: Invocation,
  unset: UnsetRecords,
  object: string,
): Promise<ExitCode> {
  const { propose } = await import('../../../runtime/records/set-up-records.ts');
  const { mappingFile } = await import('../../../runtime/records/records-inputs.ts');
  const table = invocation.text('table');
  if (table === null)
    throw new UsageError('usage.table', 'Say which table: --table public.accounts', { field: '--table' });
  const name = invocation.text('name') ?? table.split('.').at(-1) ?? table;
  const proposed = await propose(unset, object, table, context.host.signal);
  const named = `records/${name}.toml`;
  const file = mappingFile(named, unset.inputs.config_file);
  if (existsSync(file)) {
    context.print(proposed.toml);
    context.say(`${file} is there already and was left as it is.`);
    return EXIT.no;
  }
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, proposed.toml, { mode: 0o600 });
  context.say(
    `Wrote ${file}: ${formatItems(proposed.fields, 'field')}. Review it.`,
    ...proposed.missing.map((sentence) => `To fill in: ${sentence}`),
    '',
    'Then add to the configuration:',
    '  [[records.object]]',
    `  name = "${name}"`,
    `  mapping = "${named}"`,
    '',
    'and run `syncline records init` again: it shows the SQL that the table needs.',
  );
  return EXIT.ok;
}

async function setUpDatabase(context: CommandContext, invocation: Invocation, unset: UnsetRecords): Promise<boolean> {
  const { runSetup, setupSql } = await import('../../../runtime/records/set-up-records.ts');
  const role = invocation.text('role');
  const { state, script } = await setupSql(unset, role);
  if (script === '') {
    context.say(`The database has everything that ${formatItems(unset.mappings.length, 'mapping')} needs.`);
    context.say('Next: syncline records plan');
    return true;
  }
  const out = invocation.text('sql');
  if (out !== null) writeFileSync(out, script, { mode: 0o600 });
  else context.print(script);
  const where = out === null ? '' : `, in ${out}`;
  context.say(`${formatItems(state.pending.length, 'statement')} to review${where}.`);
  if (!invocation.flag('applySql')) {
    context.say('Nothing was run. Run it yourself, or: syncline records init --apply-sql');
    return false;
  }
  if (
    !(await confirmed(context, `Run ${formatItems(state.pending.length, 'statement')} in ${unset.postgres.shown}?`))
  ) {
    context.say('Nothing was run.');
    return false;
  }
  await runSetup(unset, role);
  context.say('Done. Next: syncline records plan');
  return true;
}
