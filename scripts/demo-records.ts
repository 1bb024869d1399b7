/**
 * `npm run demo:records`: an embedded PostgreSQL and a Salesforce sandbox, brought into step by the real program. Edit either side,
 * make a conflict, decide it. Everything is in temporary folders and goes at the end. `-- --once` plays one scene and ends.
 */
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { until } from '../test/support/condition.ts';
import { hasPostgres } from '../test/support/postgres.ts';
import { RecordsScene, type Account } from '../test/support/records-scene.ts';

const HELP = `  set KEY name|phone VALUE    edit the row in PostgreSQL            set A-1 phone 555
  sf KEY name|phone VALUE     edit the record in Salesforce         sf A-1 name Northwind & Co
  add KEY NAME                a new row in PostgreSQL               add A-7 Tidal Works
  delete KEY                  delete the row in PostgreSQL
  conflict [KEY]              both sides change the phone at once
  resolve salesforce|postgres decide all open conflicts
  show, history KEY, drift, status, help, quit`;

const say = (...lines: string[]): void => void process.stdout.write(`${lines.join('\n')}\n`);

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { once: { type: 'boolean', default: false } } });
  if (!hasPostgres()) {
    say('The demo needs the PostgreSQL that `npm ci` brings; it is not there for this machine.');
    return 1;
  }
  say('Starting PostgreSQL and a Salesforce sandbox on this machine …');
  await using scene = await RecordsScene.start();
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  await fill(scene);
  await bringIntoStep(scene);
  const up = await scene.machine.up(['--only', 'records'], scene.options);
  await until('change events are read', () => scene.pubsub.streams() > 0, { signal: interruption.signal });
  say('', 'Both sides are live: `syncline up` reads change events and the outbox of the table.');
  if (values.once) await playScene(scene);
  else await converse(scene, interruption.signal);
  await up.stop('SIGINT');
  say('', '$ syncline records uninstall --yes', lastLine(await scene.expect(0, 'records', 'uninstall', '--yes')));
  return 0;
}

async function fill(scene: RecordsScene): Promise<void> {
  scene.sandbox.org.seed('Account', [
    { Name: 'Northwind Bakery', External_Id__c: 'A-1', Phone: '+49 30 5550101' },
    { Name: 'Harbour Textiles', External_Id__c: 'A-2', Phone: '+31 20 5550102' },
    { Name: 'Quiet Fjord Energy', External_Id__c: 'A-3', Phone: null },
  ]);
  await scene.sql(`INSERT INTO public.accounts (external_id, name, phone) VALUES
    ('A-1', 'Northwind Bakery', '+49 30 5550101'),
    ('A-2', 'Harbour Textiles', '+31 20 5550999'),
    ('A-9', 'Only in the table', NULL)`);
}

/** What a person does once, with the program's own words. */
async function bringIntoStep(scene: RecordsScene): Promise<void> {
  const step = async (exit: number, ...args: string[]): Promise<string> => {
    say('', `$ syncline ${args.join(' ')}`);
    return scene.expect(exit, ...args);
  };
  await show(scene);
  say(await step(0, 'records', 'init', '--object', 'Account', '--table', 'public.accounts'));
  say(
    'The proposed mapping goes one way; the demo edits it to `direction = "both"` and names it in the configuration.',
  );
  scene.editMapping((toml) => toml.replace('"salesforce_to_postgres"', '"both"'));
  scene.configure(['accounts']);
  say(lastLine(await step(0, 'records', 'init', '--apply-sql', '--yes')));
  say(await step(1, 'records', 'plan', '--out', 'accounts.plan'));
  await step(0, 'records', 'apply', 'accounts.plan', '--yes');
  say(lastLine(await step(0, 'flush', 'records')));
  await show(scene);
}

/** Without a person: an edit on each side, then a conflict that is decided. @throws Error when the sides do not come into step */
async function playScene(scene: RecordsScene): Promise<void> {
  await resolve(scene, 'salesforce');
  await act(scene, 'set A-1 phone +49 30 5550555');
  await act(scene, 'sf A-3 name Quiet Fjord AS');
  await until('both edits arrive', () => isInStep(scene));
  await show(scene);
  await act(scene, 'conflict A-1');
  await show(scene);
  await resolve(scene, 'postgres');
  await until('the decision arrives', () => isInStep(scene));
  await show(scene);
  say('Both sides are in step.');
}

async function converse(scene: RecordsScene, signal: AbortSignal): Promise<void> {
  say(
    '',
    `Edit Salesforce in a browser: ${scene.sandbox.url}/`,
    '(its certificate is its own, so the browser asks)',
    HELP,
  );
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  const ended = new AbortController();
  // Lines of a pipe may all be there, and the pipe closed, before the first is carried out.
  let is_open = true;
  const prompt = (): void => void (is_open && lines.prompt(true));
  signal.addEventListener('abort', () => lines.close(), { once: true });
  lines.once('close', () => void (is_open = false)).once('SIGINT', () => lines.close());
  const watching = watch(scene, prompt, AbortSignal.any([signal, ended.signal]));
  lines.setPrompt('> ');
  prompt();
  try {
    for await (const line of lines) {
      if (/^\s*(?:q|quit|exit)\s*$/.test(line) || signal.aborted) break;
      await act(scene, line.trim()).catch((error: unknown) =>
        say(error instanceof Error ? error.message : String(error)),
      );
      prompt();
    }
  } finally {
    lines.close();
    ended.abort();
    await watching;
  }
}

/** Prints the table whenever either side changed. */
async function watch(scene: RecordsScene, prompt: () => void, signal: AbortSignal): Promise<void> {
  let shown = await state(scene);
  while (!signal.aborted) {
    const now = await until('a change', async () => ((await state(scene)) === shown ? null : state(scene)), {
      ...{ within_ms: Infinity, every_ms: 300, signal },
    }).catch(() => null);
    if (now === null) return;
    shown = now;
    say('');
    await show(scene);
    prompt();
  }
}

async function state(scene: RecordsScene): Promise<string> {
  return JSON.stringify([await scene.rows(), scene.records()]);
}

async function isInStep(scene: RecordsScene): Promise<boolean> {
  return JSON.stringify(await scene.rows()) === JSON.stringify(scene.records());
}

/** @throws Error for what the sides or the program refuse */
async function act(scene: RecordsScene, line: string): Promise<void> {
  const [verb = '', key = '', field = '', ...rest] = line.split(/\s+/);
  const value = rest.join(' ');
  // A terminal shows what was typed.
  if (verb !== '' && !process.stdin.isTTY) say(`> ${line}`);
  if (verb === 'set' && isField(field))
    await scene.sql(`UPDATE public.accounts SET ${field} = $2 WHERE external_id = $1`, [key, value]);
  else if (verb === 'sf' && isField(field)) scene.editRecord(key, { [field === 'name' ? 'Name' : 'Phone']: value });
  else if (verb === 'add')
    await scene.sql('INSERT INTO public.accounts (external_id, name) VALUES ($1, $2)', [
      key,
      [field, ...rest].join(' '),
    ]);
  else if (verb === 'delete') await scene.sql('DELETE FROM public.accounts WHERE external_id = $1', [key]);
  else if (verb === 'conflict') await makeConflict(scene, key || 'A-1');
  else if (verb === 'resolve') await resolve(scene, key === 'postgres' ? 'postgres' : 'salesforce');
  else if (verb === 'show') await show(scene);
  else if (verb === 'history') say(await scene.expect(0, 'records', 'history', 'accounts', key));
  else if (verb === 'drift' || verb === 'status') say((await scene.run('records', verb)).stdout);
  else if (verb !== '') say(HELP);
}

function isField(field: string): field is keyof Account {
  return field === 'name' || field === 'phone';
}

/** Neither side hears of the other before both have changed: the object is paused meanwhile. */
async function makeConflict(scene: RecordsScene, key: string): Promise<void> {
  await scene.expect(0, 'pause', 'records/accounts');
  await scene.sql(`UPDATE public.accounts SET phone = '555-TABLE' WHERE external_id = $1`, [key]);
  scene.editRecord(key, { Phone: '555-FORCE' });
  await scene.expect(0, 'resume', 'records/accounts');
  const listed = await until('the conflict is noticed', async () => {
    const { exit, stdout } = await scene.run('conflicts', 'list');
    return exit === 1 && stdout;
  });
  say(listed);
}

async function resolve(scene: RecordsScene, side: 'salesforce' | 'postgres'): Promise<void> {
  const args = ['conflicts', 'resolve', '--stream', 'records/accounts', '--take', side, '--yes'];
  say(`$ syncline ${args.join(' ')}`, lastLine((await scene.run(...args)).stderr));
}

/** One line a key: what each side has. */
async function show(scene: RecordsScene): Promise<void> {
  const [rows, records] = [await scene.rows(), scene.records()];
  const keys = [...new Set([...Object.keys(rows), ...Object.keys(records)])].sort();
  const text = (one: Account | undefined): string => (one === undefined ? '–' : `${one.name}, ${one.phone ?? '–'}`);
  const line = (key: string, left: string, right: string, mark: string): string =>
    `  ${key.padEnd(6)} ${left.padEnd(38)} ${right.padEnd(38)} ${mark}`.trimEnd();
  say(line('key', 'PostgreSQL', 'Salesforce', ''));
  for (const key of keys) {
    const [left, right] = [text(rows[key]), text(records[key])];
    say(line(key, left, right, left === right ? '' : '≠'));
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

process.exitCode = await main();
