import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BaselineMemoryPeer } from '../../../test/support/baseline-memory-peer.ts';
import { CompatRig, type OurNode } from '../../../test/support/compat-rig.ts';
import { ann, settle } from '../../../test/support/memory-member.ts';
import type { OldPeerPull } from './old-peer-pull.ts';
import type { OldPeerDelivery } from './old-peer-delivery.ts';

/** Two of ours, each with an old peer beside it; the old ones push to each other, and their clocks may be an hour off (T15). */
class MixedCluster {
  readonly rig = new CompatRig();
  readonly ours: OurNode[] = [];
  readonly old: BaselineMemoryPeer[] = [];
  readonly #deliveries: OldPeerDelivery[] = [];
  readonly #pulls: OldPeerPull[] = [];
  /** Ids that were ever used, by the number of their making. */
  readonly ids: string[] = [];
  /** Those whose deletion one of ours acknowledged. */
  readonly deleted = new Set<string>();

  async start(skew_ms: number): Promise<void> {
    const urls: string[] = [];
    for (const [i, name] of ['a', 'b'].entries()) {
      const node = await this.rig.ours(name);
      const { peer, url } = await this.rig.old(`host:old-${name}`, i === 0 ? skew_ms : -skew_ms);
      peer.peers.push(node.listener.url);
      this.ours.push(node);
      this.old.push(peer);
      this.#deliveries.push(this.rig.delivery(node, peer.name, url));
      this.#pulls.push(this.rig.pull(node, peer.name, url));
      urls.push(url);
    }
    for (const [i, peer] of this.old.entries()) peer.peers.push(urls[1 - i]!);
  }

  async step({ act, at, which, text }: Step): Promise<void> {
    this.rig.tick(7);
    const id = this.ids[which % Math.max(1, this.ids.length)];
    if (act === 'pull') return void (await this.old[at % 2]!.catchUp(this.ours[at % 2]!.listener.url, 3));
    if (act === 'create') this.ids.push(await this.#create(at, `${text} ${this.ids.length}`));
    else if (id === undefined) return;
    else if (at >= 2) await this.#atOld(this.old[at - 2]!, act, id, text);
    else await this.#atOurs(this.ours[at]!, act, id, text).catch(onlyRefusals);
  }

  async #create(at: number, title: string): Promise<string> {
    if (at < 2) return this.ours[at]!.member.store(title);
    return (await this.old[at - 2]!.create({ title })).row.id;
  }

  async #atOurs({ member }: OurNode, act: Act, id: string, text: string): Promise<void> {
    const { memories } = member;
    if (act === 'edit') await memories.update(id, { content: text }, ann);
    else if (act === 'rename') await memories.update(id, { title: `${text} of ${id}` }, ann);
    else if (act === 'tag') await memories.update(id, { tags: [text] }, ann);
    else if (act === 'archive') await memories.archive([id], 'done', ann);
    else if (act === 'restore') await memories.restore(id, ann);
    else {
      await memories.delete(id, ann);
      this.deleted.add(id);
    }
  }

  async #atOld(peer: BaselineMemoryPeer, act: Act, id: string, text: string): Promise<void> {
    if (act === 'restore') return void (await peer.restore(id).catch(() => 'its user is told no'));
    if (!peer.get(id)) return;
    if (act === 'edit') await peer.update(id, { content: text });
    else if (act === 'rename') await peer.update(id, { title: `${text} of ${id}` });
    else if (act === 'tag') await peer.update(id, { tags: [text] });
    else if (act === 'archive') await peer.archive(id);
    else await peer.delete(id);
  }

  async exchange(): Promise<void> {
    this.rig.tick();
    await settle(...this.ours.map(({ member }) => member));
    for (const { receiver } of this.ours) await receiver.tend();
    for (const one of [...this.#deliveries, ...this.#pulls]) await one.pass(AbortSignal.timeout(30_000));
  }

  /** Until nothing more is written or sent, also when everything was looked at once more. */
  async calm(): Promise<void> {
    await this.#settle();
    this.rig.tick(25 * 3_600_000);
    await this.#settle();
  }

  async #settle(): Promise<void> {
    for (let before = ''; ;) {
      await this.exchange();
      const now = JSON.stringify([
        this.ours.map(({ member }) => member.replica.vector()),
        this.old.map((one) => one.received.length),
      ]);
      if (now === before) return;
      before = now;
    }
  }

  backlog(): number {
    return this.#deliveries.reduce((sum, delivery) => sum + delivery.backlog(), 0);
  }
}

type Act = 'pull' | 'create' | 'edit' | 'rename' | 'tag' | 'archive' | 'restore' | 'delete';
interface Step {
  act: Act;
  /** 0 and 1 are ours, 2 and 3 the old ones. */
  at: number;
  which: number;
  text: string;
}

function onlyRefusals(error: unknown): void {
  if (!(error as { code?: string }).code?.startsWith('memory.')) throw error;
}

const RUNS = Number(process.env['SYNCLINE_SIMULATION_SEEDS'] ?? 12);

const acts: Act[] = [
  'pull',
  'pull',
  'create',
  'create',
  'edit',
  'edit',
  'rename',
  'tag',
  'archive',
  'restore',
  'delete',
];
const step = fc.record({
  act: fc.constantFrom(...acts),
  at: fc.nat(3),
  which: fc.nat(5),
  text: fc.constantFrom('x', 'y', 'z'),
});

async function titlesOf({ member }: OurNode): Promise<Map<string, string[]>> {
  const rows = await member.memories.list({ limit: 1000 });
  return new Map(rows.map(({ id, title, content, tags }) => [id, [title, content, ...tags]]));
}

test(
  'whatever happens where, ours are equal, no deletion is undone, and the old ones have what ours have',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ weight: 5, arbitrary: step }, fc.constant('exchange' as const)), {
          minLength: 5,
          maxLength: 30,
        }),
        fc.constantFrom(0, 3_600_000),
        async (script, skew_ms) => {
          const cluster = new MixedCluster();
          try {
            await cluster.start(skew_ms);
            for (const one of script) await (one === 'exchange' ? cluster.exchange() : cluster.step(one));
            await cluster.calm();
            const [a, b] = cluster.ours;
            expect(await a!.member.canonical()).toBe(await b!.member.canonical());
            const held = await titlesOf(a!);
            for (const id of cluster.deleted) expect(held.has(id)).toBe(false);
            for (const old of cluster.old) {
              const rows = old
                .rows()
                .map(({ id, title, content, tags }) => [id, [title, content, ...(tags as string[])]]);
              expect(new Map(rows as [string, string[]][])).toEqual(new Map([...held].sort()));
            }
            expect(cluster.backlog()).toBe(0);
            for (const { defects } of cluster.ours) expect(defects).toEqual([]);
          } finally {
            await cluster.rig.close();
          }
        },
      ),
      { numRuns: RUNS },
    );
  },
  RUNS * 10_000,
);
