/** `npm run bench -- SUITE [--json] [--quick]`. Exit 0: every goal holds; 1: one is missed; 2: usage. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EXIT, UsageError, messageOf, SynclineError } from '../src/platform/errors.ts';
import { runComparisons, type Suite } from './harness.ts';
import { describeMachine } from './machine.ts';
import { renderReport } from './table.ts';
import { memorySuite } from './suites/memory/suite.ts';
import { recordsSuite } from './suites/records/suite.ts';
import { sessionsSuite } from './suites/sessions/suite.ts';
import { telemetrySuite } from './suites/telemetry/suite.ts';

const SUITES: readonly Suite[] = [telemetrySuite, sessionsSuite, memorySuite, recordsSuite];

async function main(args: string[]): Promise<number> {
  const { suite, json, quick } = readArguments(args);
  const folder = temporaryFolder();
  const progress = (message: string): void => void process.stderr.write(`${message}\n`);
  const results = await runComparisons(await suite.comparisons({ folder, quick, progress }), progress);
  const machine = describeMachine();
  process.stdout.write(
    json
      ? `${JSON.stringify({ schema: 1, suite: suite.name, quick, machine, results }, null, 2)}\n`
      : renderReport(suite.name, machine, results),
  );
  return results.every(({ holds }) => holds) ? EXIT.ok : EXIT.no;
}

/** Removed however the bench ends; at its largest it holds two gigabytes. */
function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  process.once('SIGINT', () => process.exit(EXIT.interrupted));
  process.once('SIGTERM', () => process.exit(EXIT.terminated));
  return folder;
}

function readArguments(args: string[]): { suite: Suite; json: boolean; quick: boolean } {
  const options = { json: { type: 'boolean' }, quick: { type: 'boolean' } } as const;
  const { values, positionals } = parse(() => parseArgs({ args, options, allowPositionals: true }));
  const suite = SUITES.find(({ name }) => name === positionals[0]);
  if (suite && positionals.length === 1) return { suite, json: values.json ?? false, quick: values.quick ?? false };
  throw new UsageError('bench.suite', 'One suite is needed', {
    hint: `npm run bench -- SUITE [--json] [--quick]; suites: ${SUITES.map(({ name }) => name).join(', ')}`,
  });
}

function parse<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError('bench.arguments', messageOf(error), { cause: error });
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SynclineError)) throw error;
  process.stderr.write(`bench: ${error.message}\n${error.hint === undefined ? '' : `  ${error.hint}\n`}`);
  process.exitCode = error.exit;
}
