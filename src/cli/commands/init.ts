import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync, copyFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isLoopbackHost } from '../../config/fields.ts';
import { inspectConfig } from '../../config/load.ts';
import { formatProblem } from '../../config/problems.ts';
import { EXIT, InvariantError, type ExitCode } from '../../platform/errors.ts';
import type { CommandContext } from '../context.ts';
import { formatItems } from '../format/count.ts';
import { confirmed, requireTerminal } from '../prompts.ts';
import { initialConfig, type InitialTeam } from './initial-config.ts';

const TOKEN_FILE = 'team.token';

/** `init`: at most four questions; with `--yes` none, and nothing that could leave the machine is switched on. */
export async function init(context: CommandContext): Promise<ExitCode> {
  const { config_file } = context.paths();
  const exists = existsSync(config_file);
  if (!context.options.yes) requireTerminal(context, `Write ${config_file}?`);
  if (exists && !(await confirmed(context, `Replace ${config_file}? The present file is kept as config.toml.bak.`))) {
    context.say('Nothing was written.');
    return EXIT.no;
  }
  const answers = context.options.yes ? null : await askForTeam(context);
  if (answers !== null) writePrivately(join(dirname(config_file), TOKEN_FILE), `${answers.token}\n`);
  if (exists) copyFileSync(config_file, `${config_file}.bak`);
  writeChecked(config_file, initialConfig(answers));
  if (context.options.json)
    context.printJson('syncline.init/1', { config_file, replaced: exists, team: answers !== null });
  context.say(
    `Wrote ${config_file}.`,
    answers === null
      ? 'No team, no destination: nothing leaves this machine.'
      : `Shares with ${answers.url} only: ${projectText(answers.projects)}.`,
    'Next: syncline up',
  );
  return EXIT.ok;
}

function projectText(projects: readonly string[]): string {
  return projects.length === 0
    ? 'no project yet (team.projects is empty)'
    : `${formatItems(projects.length, 'pattern')} of projects, ${projects.join(', ')}`;
}

/** Three questions, of which the last two come only with a team; replacing a file is the fourth. */
async function askForTeam(context: CommandContext): Promise<(InitialTeam & { token: string }) | null> {
  const prompts = await context.host.prompts();
  const url = await prompts.text('Address of your team server? Leave it empty to keep everything on this machine.', {
    placeholder: 'https://syncline.example.com',
    validate: (answer) => (answer === '' || isUsableAddress(answer) ? undefined : 'An https:// address, or nothing.'),
  });
  if (url === '') return null;
  const projects = await prompts.text('Which projects may leave this machine? Patterns, with commas between.', {
    placeholder: 'github.com/acme/*',
  });
  const token = await prompts.secret(
    'The token of this device? It goes into a file of its own that only you can read.',
  );
  return { url, projects: commaList(projects), token_file: TOKEN_FILE, token: token.trim() };
}

function isUsableAddress(answer: string): boolean {
  if (!URL.canParse(answer)) return false;
  const { protocol, hostname, username, password } = new URL(answer);
  return username + password === '' && (protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname)));
}

function commaList(written: string): string[] {
  return written
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** What this program writes it must also accept: a file that does not load is never put in place. */
function writeChecked(file: string, text: string): void {
  const draft = `${file}.new`;
  writePrivately(draft, text);
  const { problems } = inspectConfig({ file: draft, env: {} });
  if (problems.length > 0) {
    rmSync(draft);
    throw new InvariantError(`init wrote an invalid configuration: ${problems.map(formatProblem).join('; ')}`);
  }
  renameSync(draft, file);
}

/** Whole or not at all: a temporary file of mode 0600 in the same folder, then a rename. */
function writePrivately(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.tmp`;
  rmSync(draft, { force: true });
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
  chmodSync(draft, 0o600);
  renameSync(draft, file);
}
