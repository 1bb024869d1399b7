import type { Task } from '../keyed/store.ts';
import type { DeadLetter } from '../store.ts';
import { DONE, KEYED_STREAM, deferredKey, refusedKey, type KeyedScene } from './keyed-scene.ts';
import { NOW, REFUSAL } from './scene.ts';

/** What happens before the crash, and the call that it cuts. */
export interface KeyedCrashCase {
  name: string;
  prepare: (scene: KeyedScene) => Promise<() => Promise<unknown>>;
}

type Ending = Parameters<KeyedScene['settle']>[1];

/** A good, a bad and a held key, each in one group; the bad one refused before. */
async function prepared(scene: KeyedScene): Promise<Map<string, Task>> {
  await scene.destination('second', false);
  for (const key of ['bad', 'good', 'other']) await scene.touch(key, { group: 'a' });
  const tasks = new Map((await scene.claim()).map((task) => [task.key, task]));
  await scene.settle(tasks.get('bad')!, refusedKey({ group_until_ms: NOW + 5, due_ms: NOW, most_attempts: 2 }));
  return tasks;
}

async function held(scene: KeyedScene): Promise<DeadLetter> {
  await scene.add([scene.entry('a', { subject: 'session-1', payload: 'text' })]);
  await scene.settle(await scene.next(), { kind: 'dead_letter', refusal: REFUSAL });
  await scene.change('a');
  return (await scene.store.deadLetters({}))[0]!;
}

function settling(name: string, key: string, ending: Ending): KeyedCrashCase {
  return {
    name: `settle a key: ${name}`,
    prepare: async (scene) => {
      const tasks = await prepared(scene);
      if (key === 'bad') {
        await scene.settle(tasks.get('good')!, DONE);
        tasks.set(
          'bad',
          (await scene.claim()).find((task) => task.key === 'bad')!,
        );
      }
      await scene.touch('other');
      const counters = [{ name: 'segments', label: 'store', by: 2 }];
      return () => scene.settle(tasks.get(key)!, { ...ending, counters, writes: [scene.link(0, 1)] });
    },
  };
}

export const KEYED_CRASH_CASES: KeyedCrashCase[] = [
  {
    name: 'append of keys',
    prepare: async (scene) => {
      await prepared(scene);
      const entries = ['good', 'new', 'new', 'bad'].map((key) => scene.entry(key, { subject: 'session-1' }));
      const request = { source_id: scene.source_id, entries, checkpoint: 'line 4', now_ms: NOW };
      return () => scene.store.append({ ...request, writes: [scene.link(0, 1)] });
    },
  },
  {
    name: 'touch',
    prepare: async (scene) => {
      await prepared(scene);
      return () => scene.touch('good');
    },
  },
  {
    name: 'enqueueAll',
    prepare: async (scene) => {
      const { partition_id } = scene.partition;
      const step = { destination_id: 'store', touches: [{ partition_id, key: 'x' }], from: '', to: 'x', now_ms: NOW };
      return () => scene.store.keyed.enqueueAll(step);
    },
  },
  {
    name: 'decide',
    prepare: async (scene) => {
      await prepared(scene);
      await scene.openPartition('epoch 2');
      return () => scene.store.keyed.decide('second', ({ name }) => name === 'epoch 2');
    },
  },
  {
    name: 'claim of keys, with a trial of a held group, one that is parked and one that comes back',
    prepare: async (scene) => {
      await prepared(scene);
      for (const key of ['p', 'q', 'r']) await scene.touch(key, { group: 'a' });
      for (const key of ['s', 't']) await scene.touch(key, { group: 'b' });
      const [s] = await scene.claim({ limit: 1 });
      await scene.settle(s!, { kind: 'group_held', until_ms: NOW, refusal: REFUSAL });
      const [trial] = await scene.claim({ limit: 1 });
      await scene.settle(trial!, DONE);
      scene.now_ms = NOW + 5;
      return () => scene.claim();
    },
  },
  {
    name: 'proceed',
    prepare: async (scene) => {
      const tasks = await prepared(scene);
      return () => scene.store.keyed.proceed(tasks.get('good')!, [scene.link(0, 1), scene.link(1, 2)]);
    },
  },
  {
    name: 'releaseExpired',
    prepare: async (scene) => {
      await prepared(scene);
      return () => scene.store.keyed.releaseExpired('store', 'worker', NOW);
    },
  },
  settling('done', 'good', DONE),
  settling('done, with something newer', 'other', DONE),
  settling('later', 'good', { kind: 'later', due_ms: NOW + 9 }),
  settling('deferred', 'good', deferredKey({ suspicious: true })),
  settling('group held', 'good', { kind: 'group_held', until_ms: NOW + 9, refusal: REFUSAL }),
  settling('refused', 'good', refusedKey({ group_until_ms: NOW + 9 })),
  settling('refused for good', 'bad', refusedKey()),
  settling('dead letter', 'other', { kind: 'dead_letter', refusal: REFUSAL }),
  {
    name: 'settle several keys, one of them stale',
    prepare: async (scene) => {
      const tasks = await prepared(scene);
      const [good, other] = ['good', 'other'].map((key) => tasks.get(key)!);
      const done = (
        task: Task,
      ): { destination_id: string; key: string; fence: number; now_ms: number } & typeof DONE => ({
        destination_id: 'store',
        key: task.key,
        fence: task.fence,
        now_ms: NOW,
        ...DONE,
      });
      const settlements = [
        { ...done(good!), writes: [scene.link(0, 1)] },
        { ...done(other!), writes: [scene.link(1, 2), scene.link(0, 9)] },
      ];
      return () => scene.store.keyed.settle(settlements);
    },
  },
  {
    name: 'settle a retried key that is refused again',
    prepare: async (scene) => {
      await scene.store.retryDeadLetter((await held(scene)).dead_letter_id, 'unused');
      const task = await scene.next();
      return () => scene.settle(task, refusedKey());
    },
  },
  {
    name: 'retryDeadLetter of a key',
    prepare: async (scene) => {
      const { dead_letter_id } = await held(scene);
      return () => scene.store.retryDeadLetter(dead_letter_id, 'unused');
    },
  },
  {
    name: 'discardDeadLetter of a key',
    prepare: async (scene) => {
      const { dead_letter_id } = await held(scene);
      return () => scene.store.discardDeadLetter(dead_letter_id);
    },
  },
  {
    name: 'erase of a subject with a held key',
    prepare: async (scene) => {
      await held(scene);
      return () => scene.store.erase('session-1', NOW);
    },
  },
  {
    name: 'eraseKey',
    prepare: async (scene) => {
      await held(scene);
      return () => scene.store.keyed.eraseKey(KEYED_STREAM, 'a', NOW);
    },
  },
  {
    name: 'retain of keyed entries',
    prepare: async (scene) => {
      await scene.change('a', 'b');
      for (const task of await scene.claim()) await scene.settle(task, DONE);
      return () => scene.store.retain({ before_ms: NOW + 1, target_bytes: null, now_ms: NOW + 1 });
    },
  },
];
