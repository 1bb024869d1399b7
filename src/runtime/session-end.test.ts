import { expect, test } from 'vitest';
import { openDirectory, type OpenDirectory } from '../../test/support/open-directory.ts';
import { flush } from './flush.ts';
import { localReader } from './local-reader.ts';

const HOUR_MS = 3_600_000;

async function statuses({ directory }: OpenDirectory): Promise<string[]> {
  await flush(directory, { stream: null, timeout_ms: 5_000 });
  const query = { since_ms: null, project: null, agent: null, limit: 10 };
  return directory.store.sessions(localReader(directory)(), query).map(({ status }) => status);
}

test('a session ends an hour after its last line, without a new one, and goes on when one comes', async () => {
  await using open = await openDirectory();
  open.say('s1', 'web', 'fix the test');
  expect(await statuses(open)).toEqual(['running']);
  open.advance(30 * 60_000);
  expect(await statuses(open)).toEqual(['running']);
  open.advance(HOUR_MS);
  expect(await statuses(open)).toEqual(['done']);
  open.say('s1', 'web', 'once more');
  expect(await statuses(open)).toEqual(['running']);
});

test('a hook that says so ends a session at once; resumed, it runs again, and ends again', async () => {
  await using open = await openDirectory();
  const end = (): void => open.hook('s1', 'web', { hook_event_name: 'SessionEnd', reason: 'prompt_input_exit' });
  open.say('s1', 'web', 'fix the test');
  expect(await statuses(open)).toEqual(['running']);
  open.say('s1', 'web', 'thank you');
  open.advance(1_000);
  end();
  expect(await statuses(open)).toEqual(['done']);
  expect(await statuses(open)).toEqual(['done']);
  open.advance(5_000);
  open.say('s1', 'web', 'one more thing');
  expect(await statuses(open)).toEqual(['running']);
  open.advance(1_000);
  end();
  expect(await statuses(open)).toEqual(['done']);
  open.advance(2 * HOUR_MS);
  expect(await statuses(open)).toEqual(['done']);
});

test('what is excluded does not come back as an ended session', async () => {
  await using open = await openDirectory('[capture]\nexclude = ["/sample/web"]\n');
  open.say('s1', 'web', 'fix the test');
  open.advance(2 * HOUR_MS);
  expect(await statuses(open)).toEqual([]);
  open.advance(2 * HOUR_MS);
  expect(await statuses(open)).toEqual([]);
});
