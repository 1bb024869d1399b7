import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Batch, Partition } from '../store.ts';
import { NOW, REFUSAL, Scene, accepted, refusedItem, splitAt } from './scene.ts';
import type { OpenStore } from './store-under-test.ts';

/** One step of a walk: what is done, and a number that chooses among what there is. */
type Step = [verb: keyof typeof VERBS, choice: number];

interface Walk {
  scene: Scene;
  partitions: Partition[];
  claimed: { batch: Batch; fence: number }[];
  cursors: number;
}

const pick = <T>(items: readonly T[], choice: number): T | undefined => items[choice % Math.max(1, items.length)];

const VERBS = {
  append: async ({ scene, partitions }: Walk, choice: number) => {
    const entry = (cursor: number): ReturnType<Scene['entry']> =>
      scene.entry(pick(partitions, cursor)!, {
        cursor: `c${cursor}`,
        subject: `session-${cursor % 3}`,
        observed_ms: NOW - (cursor % 7),
        payload: `{"n":${cursor},"v":${choice % 5 === 0 ? choice : 0}}`,
      });
    const first = choice % 200;
    await scene.add(
      Array.from({ length: 1 + (choice % 9) }, (_, i) => entry(first + i)),
      `at ${choice}`,
    );
  },
  send: async (walk: Walk, choice: number) => {
    const partition = pick(walk.partitions, choice)!;
    const destination_id = choice % 2 ? 'team' : 'best effort';
    const { open, suspect } = await walk.scene.plan(partition, {
      destination_id,
      window: 1 + (choice % 3),
      max_items: 1 + (choice % 5),
    });
    const batch = pick([...open, ...(suspect ? [suspect] : [])], choice >> 2);
    if (!batch) return;
    const fence = await walk.scene.store.claim(batch.batch_id, `body ${choice % 4}`, walk.scene.newBatchId(), NOW);
    if (fence !== null) walk.claimed.push({ batch, fence });
  },
  settle: async ({ scene, claimed }: Walk, choice: number) => {
    const one = pick(claimed, choice >> 4);
    if (!one) return;
    const { batch } = one;
    const middle = Math.floor((batch.first_offset + batch.last_offset + 1) / 2);
    const endings = [
      accepted(batch),
      { kind: 'deferred' as const, until_ms: NOW, batch_due_ms: NOW, suspicious: choice % 2 === 0, refusal: REFUSAL },
      { kind: 'held' as const, until_ms: NOW, refusal: REFUSAL },
      { kind: 'renewed' as const, new_batch_id: scene.newBatchId() },
      batch.items === 1 ? refusedItem() : splitAt(scene, batch, [batch.first_offset, middle]),
      batch.items === 1 ? { kind: 'dead_letter' as const, refusal: REFUSAL } : accepted(batch),
    ];
    await scene.settle(batch, one.fence, pick(endings, choice)!);
  },
  retain: async ({ scene }: Walk, choice: number) => {
    await scene.store.retain({ before_ms: NOW - (choice % 7), target_bytes: choice % 5 === 0 ? 1 : null, now_ms: NOW });
  },
  erase: async ({ scene }: Walk, choice: number) => {
    await scene.store.erase(`session-${choice % 3}`, NOW);
  },
  rewrite: async ({ scene, partitions }: Walk, choice: number) => {
    await scene.store.rewrite(
      pick(partitions, choice)!.partition_id,
      new Map([[choice % 50, `"rewritten ${choice}"`]]),
    );
  },
  retry: async ({ scene }: Walk, choice: number) => {
    const letter = pick(await scene.store.deadLetters({ state: 'open' }), choice);
    if (letter) await scene.store.retryDeadLetter(letter.dead_letter_id, scene.newBatchId());
  },
  change: async ({ scene }: Walk, choice: number) => {
    const event = pick(['pause', 'resume', 'resume', 'drain'] as const, choice)!;
    await scene.store.changeDestination('team', event, null);
  },
  reopen: async ({ scene }: Walk) => {
    await scene.sut.reopen();
  },
};

const choice = fc.nat({ max: 1 << 20 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constant('append' as const), choice) },
  { weight: 8, arbitrary: fc.tuple(fc.constantFrom('send' as const, 'settle' as const), choice) },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constantFrom('retain', 'erase', 'rewrite', 'retry', 'change', 'reopen' as const), choice),
  },
);

/** Any walk through the methods keeps the invariants after each step (I1, I2, dense offsets, bytes, …: `verify`). */
export function walkContract(open: OpenStore): void {
  test('no walk through the methods breaks an invariant', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
        const scene = await Scene.open(open);
        await scene.destination('team');
        await scene.destination('best effort', false);
        const partitions = [await scene.partition('a'), await scene.partition('b')];
        const walk: Walk = { scene, partitions, claimed: [], cursors: 0 };
        for (const [verb, number] of steps) {
          await VERBS[verb](walk, number);
          expect(await scene.store.verify()).toEqual([]);
        }
        await scene.sut.close();
      }),
      { numRuns: 60, seed: 20_261_121 },
    );
  });
}
