/** `up --only STREAM`: that stream runs, the others rest, and what they have stays. */
import { expect, test } from 'vitest';
import { Machine } from '../support/machine.ts';
import { speak } from '../support/spoken-session.ts';

const OF_STREAM = {
  telemetry: ['transcripts', 'hooks', 'deliver local'],
  sessions: ['conversations', 'keep conversations local'],
  memory: ['tend memories', 'memory peers'],
};

test.each(['telemetry', 'sessions', 'memory'] as const)('%s alone', { timeout: 90_000 }, async (only) => {
  await using machine = new Machine();
  // Without any session `up` shows a sample, which has a directory of its own.
  const said = { at_ms: Date.now(), text: 'heron', turns: 2, apart_ms: 1 };
  speak(machine, { id: 'one', cwd: machine.checkout('github.com/acme/web'), ...said });
  await machine.up(['--only', only]);
  const names = (await machine.status()).loops.map(({ name }) => name);
  for (const [stream, loops] of Object.entries(OF_STREAM))
    for (const loop of loops) expect([loop, names.includes(loop)]).toEqual([loop, stream === only]);
  expect(names).toContain('retention');
  expect((await machine.run(['memory', 'store', 'Deploys', 'Two approvals'])).exit).toBe(0);
});
