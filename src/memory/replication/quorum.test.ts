import { beforeEach, describe, expect, test } from 'vitest';
import { VirtualTime } from '../../../test/support/virtual-time.ts';
import type { VersionVector } from '../origin.ts';
import { Members, type Alarm } from './members.ts';
import type { Echo } from './messages.ts';
import type { Replica } from '../replica.ts';
import { QuorumTracker, checkQuorum, majority } from './quorum.ts';

let time: VirtualTime;
let own: {
  origin: string;
  vector: Record<string, number>;
  renewed: number;
  common?: (common: number | undefined) => void;
};
let renewed: Map<string, number>;
let moved: { origin: string; sequence: number } | null;
let members: Members;
let tracker: QuorumTracker;
let alarms: Alarm[];

const OPERATION = 'us.1:5';

beforeEach(() => {
  time = new VirtualTime();
  own = { origin: 'us.1', vector: { 'us.1': 5 }, renewed: 0 };
  alarms = [];
  moved = null;
  renewed = new Map();
  const replica = {
    identity: () => ({ member: 'us', origin: own.origin, device: 'd' }),
    vector: () => own.vector,
    renew: async (common?: number) => {
      own.common?.(common);
      own.origin = `us.${++own.renewed + 1}`;
      return { member: 'us', origin: own.origin, device: 'd', told: 0, restamped: 0 };
    },
    hashAt: (_: string, sequence: number) => `hash ${sequence}`,
    confirm: () => undefined,
    confirmed: () => 0,
    standsAt: (place: unknown) => moved ?? place,
    renewedOrigins: () => renewed,
  } as unknown as Replica;
  members = new Members({ replica, clock: time, forget_incarnation_ms: 1000, alarm: (alarm) => alarms.push(alarm) });
  tracker = new QuorumTracker(replica, members, time);
  members.pair('bb');
  members.pair('cc');
});

const say = (member: string, vector: VersionVector, incarnation = '1'): Promise<void> =>
  members.heard(member, { ...QUIET, origin: `${member}.${incarnation}`, vector, yours: echoes(vector) });

const QUIET = { root: '00', run: 'r', yours: [], asks: [] };

/** As whoever has our operations says it. */
const echoes = (vector: VersionVector): Echo[] =>
  Object.entries(vector)
    .filter(([origin]) => origin.startsWith('us.'))
    .map(([origin, sequence]) => ({ operation: `${origin}:${sequence}`, hash: `hash ${sequence}` }));

describe('majority and W', () => {
  test.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 3],
    [6, 4],
  ])('of %i is %i', (members, least) => expect(majority(members)).toBe(least));

  test.each([0, -1, 1.5, 4, NaN])('W = %d of 3 is refused', (wanted) =>
    expect(() => checkQuorum(wanted, 3)).toThrow(expect.objectContaining({ code: 'memory.quorum' })),
  );
});

describe('waiting for members', () => {
  test('W = 1 needs nobody and no time', async () => {
    expect(await tracker.wait(OPERATION, 1, 60_000)).toEqual({
      operation: OPERATION,
      durable_on: 1,
      members: 3,
      on: ['us'],
    });
    expect(time.pending).toBe(0);
  });

  test('a member counts when its own vector covers the operation, not before', async () => {
    let done = false;
    const waiting = tracker.wait(OPERATION, 2, 60_000).then((receipt) => ((done = true), receipt));
    await say('bb', { 'us.1': 4 });
    await time.settle();
    expect(done).toBe(false);
    await say('bb', { 'us.1': 5 });
    expect((await waiting).on).toEqual(['us', 'bb']);
  });

  test('one that speaks twice counts once', async () => {
    const waiting = tracker.wait(OPERATION, 3, 1000);
    await say('bb', { 'us.1': 5 });
    await say('bb', { 'us.1': 6 });
    await say('bb', { 'us.1': 6 }, '2');
    await time.pass(1000);
    expect((await waiting).durable_on).toBe(2);
  });

  test('the deadline ends it with what is', async () => {
    const waiting = tracker.wait(OPERATION, 2, 2000);
    await time.pass(2000);
    expect(await waiting).toMatchObject({ durable_on: 1 });
    expect(tracker.waiting).toBe(0);
  });

  test('more than there are members is never met and never waited for', async () => {
    expect(await tracker.wait(OPERATION, 4, 60_000)).toMatchObject({ durable_on: 1, members: 3 });
  });

  test('one report serves all who wait for what it covers', async () => {
    own.vector['us.1'] = 64;
    const waiting = Array.from({ length: 64 }, (_, i) => tracker.wait(`us.1:${i + 1}`, 2, 60_000));
    await say('cc', { 'us.1': 64 });
    expect((await Promise.all(waiting)).every(({ durable_on }) => durable_on === 2)).toBe(true);
  });

  test('a wiped member no longer counts for what it had', async () => {
    await say('bb', { 'us.1': 5 });
    expect(tracker.receipt(OPERATION).on).toEqual(['us', 'bb']);
    await say('bb', {}, '2');
    expect(tracker.receipt(OPERATION).on).toEqual(['us']);
  });

  test('a vector alone does not count: what stands at our numbers there may be another machine’s', async () => {
    await members.heard('bb', { ...QUIET, origin: 'bb.1', vector: { 'us.1': 5 } });
    expect(tracker.receipt(OPERATION).on).toEqual(['us']);
    await say('bb', { 'us.1': 5 });
    expect(tracker.receipt(OPERATION).on).toEqual(['us', 'bb']);
  });

  test('of a former origin each member is asked whose operations it has there', async () => {
    own.origin = 'us.2';
    own.vector = { 'us.1': 5, 'us.2': 1 };
    renewed.set('us.1', 5);
    const theirs = { ...QUIET, origin: 'bb.1', vector: { 'us.1': 7 } };
    await members.heard('bb', theirs);
    expect(tracker.receipt(OPERATION).on).toEqual(['us']);
    expect(members.unproven(theirs)).toEqual(['us.1:5']);
    await members.heard('bb', { ...theirs, yours: [{ operation: 'us.1:5', hash: 'of the other machine' }] });
    expect(tracker.receipt(OPERATION).on).toEqual(['us']);
    await members.heard('bb', { ...theirs, yours: [{ operation: 'us.1:5', hash: 'hash 5' }] });
    expect(tracker.receipt(OPERATION).on).toEqual(['us', 'bb']);
    expect([own.renewed, members.unproven(theirs)]).toEqual([0, []]);
  });

  test('one that was given all our rows counts, and one that has forgotten what an operation said', async () => {
    const theirs = { ...QUIET, origin: 'bb.1', vector: { 'us.1': 5 } };
    await members.heard('bb', theirs);
    members.given('bb.1/r', { 'us.1': 5 });
    expect(tracker.receipt(OPERATION).on).toEqual(['us', 'bb']);
    await members.heard('cc', { ...theirs, origin: 'cc.1', yours: [{ operation: OPERATION, hash: '-' }] });
    expect(tracker.receipt(OPERATION).durable_on).toBe(3);
  });

  test('one that was taken out counts no more', async () => {
    await say('bb', { 'us.1': 5 });
    members.remove('bb');
    expect(tracker.receipt(OPERATION)).toMatchObject({ durable_on: 1, members: 2 });
  });
});

describe('members', () => {
  test('nobody speaks who is not paired, and nobody for another', async () => {
    await expect(say('dd', {})).rejects.toMatchObject({ code: 'memory.not_paired' });
    await expect(members.heard('bb', { ...QUIET, origin: 'cc.1', vector: {} })).rejects.toMatchObject({
      code: 'memory.identity',
    });
  });

  test('whoever learns that he was set back begins a new incarnation before anything else', async () => {
    await say('bb', { 'us.1': 6 });
    expect(own.origin).toBe('us.2');
    expect(alarms).toEqual([{ kind: 'renewed', member: 'bb', from: 'us.1', to: 'us.2', told: 0 }]);
    await say('cc', { 'us.1': 7 });
    expect(own.renewed).toBe(1);
  });

  test('whoever learns that another one numbers its operations goes on elsewhere, before that counts for anything', async () => {
    const echo = (sequence: number, hash: string): object => ({
      ...{ ...QUIET, origin: 'bb.1', vector: { 'us.1': sequence } },
      yours: [{ operation: `us.1:${sequence}`, hash }],
    });
    const waiting = tracker.wait(OPERATION, 2, 1000);
    await members.heard('bb', echo(4, 'hash 4') as never);
    expect(own.renewed).toBe(0);
    const asked: (number | undefined)[] = [];
    own.common = (common) => asked.push(common);
    moved = { origin: 'us.2', sequence: 1 };
    await members.heard('bb', echo(5, 'of the other machine') as never);
    expect([own.origin, asked]).toEqual(['us.2', [4]]);
    expect(alarms.map(({ kind }) => kind)).toEqual(['identity_shared', 'renewed']);
    await time.pass(1001);
    expect((await waiting).on).toEqual([]);
    await say('bb', { 'us.1': 5, 'us.2': 1 });
    expect(tracker.receipt(OPERATION).on).toEqual(['bb']);
  });

  test('two machines that speak as one member in turns are seen', async () => {
    await say('bb', {}, '1');
    await say('bb', {}, '2');
    await say('bb', {}, '1');
    expect(alarms).toEqual([]);
    await say('bb', {}, '2');
    await time.pass(30_000);
    await say('bb', {}, '1');
    expect(alarms).toEqual([{ kind: 'member_cloned', member: 'bb', origins: ['bb.2', 'bb.1'] }]);
  });

  test('what all have is known only once all have spoken', async () => {
    own.vector = { 'us.1': 5, 'bb.1': 2 };
    await say('bb', { 'us.1': 5, 'bb.1': 2 });
    expect(members.vectors()).toBeNull();
    await say('cc', { 'us.1': 3 });
    expect(members.vectors()?.get('cc')).toEqual({ 'us.1': 3 });
  });

  test('operations of somebody who is not paired hold up what needs all; of one taken out they do not', async () => {
    own.vector = { 'us.1': 5, 'zz.1': 2 };
    await say('bb', own.vector);
    await say('cc', own.vector);
    expect(members.vectors()).toBeNull();
    members.forget(['zz']);
    expect(members.vectors()?.size).toBe(3);
  });

  test('of a cloned member what both machines have counts, until one has been silent for long', async () => {
    await say('cc', {});
    await say('bb', { 'us.1': 2 }, '1');
    await say('bb', { 'us.1': 5 }, '2');
    expect(members.vectors()?.get('bb')).toEqual({ 'us.1': 2 });
    await time.pass(1000);
    expect(members.vectors()?.get('bb')).toEqual({ 'us.1': 5 });
  });
});
