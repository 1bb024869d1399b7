/** What grows line by line comes to the same as what is read at once: figures, projects, sessions. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { seededRandom } from '../../src/platform/random.ts';
import type { Report } from '../../src/runtime/operator.ts';
import { writeConversations } from '../support/conversations.ts';
import { Growth } from '../support/growth.ts';
import { readJournal } from '../support/journal.ts';
import { Machine } from '../support/machine.ts';
import { differences } from '../support/store-oracle.ts';

const STEPS = 5;

test(
  'a fork, a subagent and a session stay in their project however slowly they grow',
  { timeout: 90_000 },
  async () => {
    await using machine = new Machine();
    const random = seededRandom(29);
    const { lines, truth } = writeConversations({
      ...{ random, prefix: 'slow', cwds: [machine.checkout('github.com/acme/web')] },
      ...{ conversations: 1, turns: 3, start_ms: Date.now() - 3_600_000, span_ms: 60_000 },
    });
    // A fork's first lines are copies, and nothing says so yet that they will not be all.
    const fork = lines.findIndex(({ file }) => file !== lines[0]?.file && !file.includes('subagents'));
    const copies = lines.findLastIndex(({ file, text }) => file === lines[fork]?.file && isCopied(lines, text)) + 1;
    expect(copies).toBeGreaterThan(fork);
    const growth = new Growth(machine.projects, lines.slice(0, copies), random);
    for (let step = 0; step < STEPS; step++) {
      growth.write(growth.total_bytes / STEPS);
      expect(await machine.run(['flush'])).toMatchObject({ exit: 0 });
    }
    growth.writeAll();
    expect(await machine.run(['flush'])).toMatchObject({ exit: 0 });
    new Growth(machine.projects, lines.slice(copies), random).writeAll();
    expect(await machine.run(['flush'])).toMatchObject({ exit: 0 });

    const store = { file: join(machine.state, 'store.db'), salt: machine.salt(), team_id: 'local' };
    expect(await differences(store, truth)).toEqual([]);
    const report = await machine.json<Report>(['telemetry', 'report', '--by', 'project']);
    expect(report.rows).toMatchObject([{ project: 'web', sessions: truth.sessions.size }]);
    const { partitions, broken } = await readJournal(join(machine.state, 'engine.db'));
    expect(new Set(partitions.map(({ header }) => header['project_name']))).toEqual(new Set(['web']));
    expect(broken).toEqual([]);
  },
);

/** Whether an earlier file has the line, too, but for its session. */
function isCopied(lines: readonly { file: string; text: string }[], text: string): boolean {
  const { uuid } = JSON.parse(text) as { uuid?: string };
  return uuid !== undefined && lines.filter((line) => line.text.includes(`"uuid":"${uuid}"`)).length > 1;
}
