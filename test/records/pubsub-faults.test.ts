/**
 * A thousand faults, drawn from a seed, between the organisation and what capture made of it: afterwards every record is known as it
 * is, or as one to be read. Nothing is lost, nothing is stuck.
 */
import { expect, test } from 'vitest';
import { seededRandom, type Random } from '../../src/platform/random.ts';
import { fieldOf, mappingOf } from '../../src/records/model/generated.contract.ts';
import type { Value } from '../../src/records/model/value.ts';
import { captureChanges, type CapturedChange, type CaptureStep } from '../../src/records/salesforce/pubsub/capture.ts';
import { replayIdFromText } from '../../src/records/salesforce/pubsub/replay-id.ts';
import type { Found } from '../../src/records/sides.ts';
import { text } from '../../src/sandbox/salesforce/org/fields.ts';
import { openScene, type Scene } from './pubsub-scene.ts';

const SEED = Number(process.env['SYNCLINE_TEST_SEED'] ?? 20260101);
const FAULTS = 1000;
const RECORDS = 40;
const mapping = mappingOf(
  [
    fieldOf('text', { name: 'name', salesforce: 'Name' }),
    fieldOf('picklist', { name: 'industry', salesforce: 'Industry' }),
    fieldOf('text', { name: 'city', salesforce: 'BillingCity' }),
    fieldOf('text', { name: 'description', salesforce: 'Description' }),
  ],
  { salesforce: { object: 'Account', external_id: 'External_Id__c', case_sensitive: true } },
);
const FIELDS = mapping.fields;

/** What is known of a key: its document, `read`: must be read, `absent`. */
type Known = Map<string, Record<string, Value> | 'read' | 'absent'>;

/** What a process would keep in its database, each step in one transaction. */
class Store {
  readonly known: Known = new Map();
  readonly links = new Map<string, string>();
  readonly cursors = new Map<string, string>();
  checkpoint: string | null = null;
  steps = 0;
  holes = 0;
  readonly #scene: Scene;
  readonly #waiting: (() => void)[] = [];

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** Resolves when a step has been stored. */
  nextStep(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  apply(step: CaptureStep): void {
    this.steps++;
    for (const resolve of this.#waiting.splice(0)) resolve();
    for (const change of step.changes) this.#append(change);
    // What nobody could read is found by reconciling; here at once.
    if (step.reread.length > 0 || step.poisoned.length > 0) this.touchAll();
    this.checkpoint = step.checkpoint ?? this.checkpoint;
  }

  /** All known keys, and a scan of the object for those that are not known. */
  touchAll(): void {
    for (const row of this.#scene.org.rows('Account')) this.links.set(String(row['Id']), String(row['External_Id__c']));
    for (const key of [...this.known.keys(), ...this.links.values()]) this.known.set(key, 'read');
  }

  /**
   * Reads what must be read, as the pair of the records does at its next claim. It may run ahead of events that still come;
   * those end at the same values.
   */
  read(): void {
    const live = liveByKey(this.#scene);
    for (const [key, state] of this.known) {
      if (state !== 'read') continue;
      const row = live.get(key);
      this.known.set(
        key,
        row ? Object.fromEntries(FIELDS.map(({ name, salesforce }) => [name, textOf(row[salesforce])])) : 'absent',
      );
    }
  }

  #append({ key, cursor, change }: CapturedChange): void {
    const payload = JSON.stringify(change);
    const before = this.cursors.get(cursor);
    // The engine refuses a known cursor with other content as a clash.
    if (before !== undefined) return expect(payload).toBe(before);
    this.cursors.set(cursor, payload);
    if (change.salesforce_id !== null) this.links.set(change.salesforce_id, key);
    const document = this.known.get(key);
    if (change.operation === 'deleted') this.known.set(key, 'absent');
    else if (change.operation === 'touched') this.known.set(key, 'read');
    else if (change.whole) this.known.set(key, { ...change.fields });
    else if (typeof document === 'object') this.known.set(key, { ...document, ...change.fields });
    else this.known.set(key, 'read');
  }
}

test(
  `over ${FAULTS} faults no event is lost and none stops the others (seed ${SEED})`,
  { timeout: 300_000 },
  async () => {
    const random = seededRandom(SEED);
    const scene = await openScene();
    const store = new Store(scene);
    const world = new World(scene, random);
    const until_quiet = new AbortController();
    const reader = readForEver(scene, store, random, until_quiet.signal);
    for (let n = 0; n < FAULTS; n++) {
      for (let edits = 0; edits < 3; edits++) world.edit();
      world.fault();
      // Sometimes many things go wrong before anything else happens, sometimes there is time for a few steps.
      if (random.unit() < 0.6) await Promise.race([store.nextStep(), sleep(12)]);
      // Every now and then everything works again for a while, and must come right: what is lost later hides what was lost before.
      if (n % 40 < 39) continue;
      world.heal();
      await expect.poll(() => settled(scene, store), { timeout: 30_000, interval: 20 }).toEqual([]);
    }
    until_quiet.abort();
    await reader;
    // It was no quiet road.
    expect(store.steps).toBeGreaterThan(100);
    expect(store.holes).toBeGreaterThan(0);
    expect(scene.pubsub.calls.Subscribe).toBeGreaterThan(100);
    expect(scene.tokens.length).toBeGreaterThan(10);
    await scene.close();
  },
);

/** The process: reads from its checkpoint, dies now and then, begins again; after a hole everything is read anew. */
async function readForEver(scene: Scene, store: Store, random: Random, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    const from = store.checkpoint === null ? 'earliest' : replayIdFromText(store.checkpoint);
    const subscription = scene.subscribe(from, { batch_size: 1 + Math.floor(random.unit() * 20), signal: ended });
    // What was before the oldest event is told by nobody: it is read when the subscription has its place.
    let anew = from === 'earliest';
    let steps_left = 1 + Math.floor(random.unit() * 30);
    for await (const step of captureChanges(subscription, { ...lookups(scene, store), signal: ended })) {
      if (step.kind === 'hole') {
        store.holes++;
        store.checkpoint = null;
        break;
      }
      // A crash between reading and storing: all of the step is lost and comes again.
      if (steps_left-- <= 0) break;
      if (anew) store.touchAll();
      anew = false;
      store.apply(step);
      if (random.unit() < 0.5) store.read();
      if (random.unit() < 0.1) await sleep(3);
    }
  }
}

function lookups(scene: Scene, store: Store) {
  return {
    mappings: [mapping],
    client: 'our-sync',
    resolve: async (_mapping: unknown, ids: readonly string[]) =>
      new Map(ids.flatMap((id) => (store.links.has(id) ? [[id, store.links.get(id) ?? ''] as const] : []))),
    readIds: async (_mapping: unknown, ids: readonly string[]) =>
      ids.map((id): Found => {
        const row = scene.org.row('Account', id);
        if (!row || row['IsDeleted'] === true) return { kind: 'missing' };
        const key = String(row['External_Id__c']);
        return { kind: 'record', record: { key, id, document: {}, modified_ms: null, problems: [] } };
      }),
  };
}

function liveByKey({ org }: Pick<Scene, 'org'>): Map<string, Readonly<Record<string, unknown>>> {
  return new Map(org.rows('Account').map((row) => [String(row['External_Id__c']), row]));
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** Keys whose knowledge is wrong; what must be read is read from the organisation as it is. */
function settled({ org }: Scene, { known, links }: Store): string[] {
  const live = liveByKey({ org });
  const wrong: string[] = [];
  for (const key of new Set([...live.keys(), ...known.keys(), ...links.values()])) {
    const state = known.get(key);
    if (state === 'read') continue;
    const row = live.get(key);
    if (row === undefined ? state !== 'absent' : typeof state !== 'object' || !isSame(state, row)) wrong.push(key);
  }
  return wrong;
}

function isSame(document: Record<string, Value>, row: Readonly<Record<string, unknown>>): boolean {
  return FIELDS.every(({ name, salesforce }) => (document[name] ?? null) === (row[salesforce] ?? null));
}

/** What people and accidents do. */
class World {
  readonly #scene: Scene;
  readonly #random: Random;
  #made = 0;
  #fields = 0;

  constructor(scene: Scene, random: Random) {
    this.#scene = scene;
    this.#random = random;
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random.unit() * list.length)] as T;
  }

  edit(): void {
    const { org, clock } = this.#scene;
    clock.advance(Math.floor(this.#random.unit() * 1500));
    const live = org.rows('Account').map((row) => String(row['Id']));
    const binned = [...org.table('Account').rows()].filter((row) => row['IsDeleted'] === true);
    const dice = this.#random.unit();
    if (live.length < RECORDS && (dice < 0.25 || live.length === 0)) {
      org.create('Account', {
        Name: 'new',
        External_Id__c: `k${this.#made++}`,
        BillingCity: this.#pick([null, 'Ulm']),
      });
    } else if (dice < 0.32) org.delete('Account', this.#pick(live));
    else if (dice < 0.37 && binned.length > 0) org.undelete('Account', String(this.#pick(binned)['Id']));
    else if (dice < 0.45) this.#editMany(live);
    else org.update('Account', this.#pick(live), this.#change(), this.#pick([{}, { client: 'our-sync' }]));
  }

  #editMany(live: readonly string[]): void {
    const change = this.#change();
    const chosen = new Set([this.#pick(live), this.#pick(live), this.#pick(live)]);
    this.#scene.org.transaction((transaction) => {
      for (const id of chosen) transaction.update('Account', id, change);
    });
  }

  #change(): Record<string, string | null> {
    return this.#pick([
      { Name: this.#pick(['a', 'b', 'c']) },
      { Industry: this.#pick([null, 'Banking', 'Energy']) },
      { BillingCity: this.#pick([null, 'Ulm', 'Bonn']), BillingStreet: this.#pick([null, 'A 1']) },
      { Description: this.#pick([null, 'short', 'x'.repeat(1500), 'y'.repeat(1500)]) },
    ]);
  }

  fault(): void {
    const { org, pubsub, tokens } = this.#scene;
    const { faults } = pubsub;
    const few = (most: number): number => 1 + Math.floor(this.#random.unit() * most);
    this.#pick([
      () => faults.reset(),
      () => faults.resetAfter(few(30)),
      () => faults.refuse('unavailable', { times: few(3) }),
      () => faults.refuse('unavailable', { rpc: 'GetSchema', times: few(2) }),
      () => faults.refuse('too_many_clients', { rpc: 'Subscribe' }),
      () => faults.expireToken(tokens.at(-1) ?? ''),
      () => faults.gap(few(3)),
      () => faults.duplicate(few(5)),
      () => (this.#random.unit() < 0.1 ? faults.poison() : faults.duplicate()),
      () => (this.#random.unit() < 0.1 ? faults.overflow('Account') : faults.gap()),
      () => (this.#random.unit() < 0.1 ? faults.wildcard('Account') : faults.gap()),
      () => (this.#random.unit() < 0.1 ? faults.expireReplayIds() : faults.reset()),
      () => faults.hold(),
      () => faults.release(),
      () => faults.limitDelivery(few(20)),
      () => faults.limitDelivery(null),
      () =>
        this.#random.unit() < 0.3 ? org.addFields('Account', [text(`F${this.#fields++}__c`, 10)]) : faults.reset(),
    ])();
  }

  /** Everything works again. */
  heal(): void {
    const { faults } = this.#scene.pubsub;
    faults.release();
    faults.limitDelivery(null);
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
