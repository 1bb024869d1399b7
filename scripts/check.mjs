/** `npm run check`: everything that can be judged without running the program. All steps run; any failure fails. */
import { spawn } from 'node:child_process';
import { pinnedNode, root } from './setup.mjs';

const steps = [
  ['types', ['node_modules/typescript-native/bin/tsc', '-p', 'tsconfig.json']],
  ['lint', ['node_modules/eslint/bin/eslint.js', '--max-warnings', '0', '.']],
  [
    'format',
    [
      'node_modules/prettier/bin/prettier.cjs',
      '--check',
      '--log-level',
      'warn',
      'src',
      'test',
      'bench',
      'scripts',
      '*.js',
      '*.json',
      '*.ts',
    ],
  ],
  [
    'import rules',
    ['node_modules/dependency-cruiser/bin/dependency-cruise.mjs', '--config', '.dependency-cruiser.cjs', 'src'],
  ],
  ['ReDoS', ['node_modules/vitest/vitest.mjs', 'run', '--reporter', 'dot', 'src/redaction/redos.test.ts']],
];

async function step([name, args]) {
  const started = process.hrtime.bigint();
  const child = spawn(pinnedNode, args, { cwd: root });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const status = await new Promise((resolve) => child.on('close', resolve));
  const seconds = (Number(process.hrtime.bigint() - started) / 1e9).toFixed(1);
  console.error(`  ${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
  if (status !== 0) console.error(output.trimEnd());
  return status === 0;
}

const only = process.argv.slice(2);
const chosen = only.length ? steps.filter(([name]) => only.includes(name)) : steps;
// Two at a time: this project is built for machines with two cores.
let ok = true;
for (let i = 0; i < chosen.length; i += 2)
  ok = (await Promise.all(chosen.slice(i, i + 2).map(step))).every(Boolean) && ok;
process.exit(ok ? 0 : 1);
