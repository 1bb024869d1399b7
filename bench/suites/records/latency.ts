import { connect, createServer, type AddressInfo } from 'node:net';
import { Supervisor } from '../../../src/engine/supervisor.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { seededRandom, systemRandom } from '../../../src/platform/random.ts';
import { systemTimers } from '../../../src/platform/timers.ts';
import { startRecordLoops } from '../../../src/runtime/records/records-loops.ts';
import type { Comparison, SuiteOptions } from '../../harness.ts';
import { openRecordsWorld, type RecordsWorld } from './records-world.ts';

const POLL_MS = 1000;
const LOOK_MS = 5;

/**
 * From a person's edit in Salesforce, at any moment, until it stands in the table, without change events: it waits half an
 * interval on average, then is asked for, journaled, planned and written.
 */
export function latencyComparison({ folder, quick }: SuiteOptions): Comparison {
  const edits = quick ? 3 : 40;
  return {
    name: 'one record from Salesforce to the table by polling, p50',
    unit: 'ms',
    referenceName: 'the poll interval and five round trips over loopback',
    goal: { at_most: 1, of: 'ratio' },
    rounds: 1,
    measure: async () => {
      await using world = await openRecordsWorld(folder, 100, { poll_every: '1s' });
      const supervisor = new Supervisor({
        ...{ clock: systemClock, timers: systemTimers, random: systemRandom },
        report: (loop, error) => {
          throw new Error(`the loop ${loop} failed`, { cause: error });
        },
      });
      startRecordLoops(supervisor, world.directory);
      const taken: number[] = [];
      const random = seededRandom(1);
      for (let i = 0; i < edits; i++) {
        await systemTimers.sleep(POLL_MS * random.unit());
        taken.push(await editAndWait(world, i));
      }
      await supervisor.stop(20_000);
      return { ours: median(taken), reference: POLL_MS + 5 * (await roundTrip()) };
    },
  };
}

async function editAndWait({ sandbox, postgres }: RecordsWorld, i: number): Promise<number> {
  const id = sandbox.org.findByExternalId('Account', 'External_Id__c', `a-${i}`) ?? '';
  const started = performance.now();
  sandbox.org.update('Account', id, { Phone: `edit ${i}` });
  for (;;) {
    const [row] = await postgres.query<{ phone: string | null }>(`SELECT phone FROM public.accounts WHERE external_id = $1`, [`a-${i}`]); // prettier-ignore
    if (row?.phone === `edit ${i}`) return performance.now() - started;
    await systemTimers.sleep(LOOK_MS);
  }
}

/** Milliseconds of a byte there and back. */
async function roundTrip(): Promise<number> {
  const server = createServer((socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const times: number[] = [];
  for (let i = 0; i < 200; i++) {
    const started = performance.now();
    const answered = new Promise<void>((resolve) => socket.once('data', () => resolve()));
    socket.write('x');
    await answered;
    times.push(performance.now() - started);
  }
  socket.destroy();
  server.close();
  return median(times);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
