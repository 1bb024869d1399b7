import { describe, expect, it } from 'vitest';
import {
  callMessage,
  Died,
  head,
  KEY,
  message,
  NOW_MS,
  OWNER,
  SessionRig,
  type Fault,
} from '../../../test/support/session-rig.ts';
import { FullError, InvalidInputError, UnreachableError } from '../../platform/errors.ts';
import { StoreReplyError } from '../store/store-reply-error.ts';

const turns = (count: number): ReturnType<typeof message>[] =>
  Array.from({ length: count }, (_, i) => message(i, `turn ${i}`));
const EMAIL = 'ada@example.com';

function rigOf(count: number, options: ConstructorParameters<typeof SessionRig>[0] = {}): SessionRig {
  const rig = new SessionRig(options);
  rig.messages = turns(count);
  return rig;
}

describe('a session that is new', () => {
  it('is put whole, masked, with its head', async () => {
    const rig = rigOf(130);
    rig.messages[3] = message(3, `write to ${EMAIL}`);
    rig.messages[70] = callMessage(70, `see ${EMAIL} and ${EMAIL}`, NOW_MS - 10);
    rig.head = head({ title: `for ${EMAIL}`, pins: [{ ordinal: 3, note: EMAIL, created_at_ms: null }] });
    expect(await rig.deliver()).toBe(1);
    expect(rig.store.messages(KEY)).toEqual(rig.expected());
    expect(JSON.stringify([...rig.store.held.values()])).not.toContain(EMAIL);
    expect(rig.store.held.get(KEY)?.head).toMatchObject({
      key: KEY,
      title: 'for <REDACTED:email>',
      project: 'github.com/acme/shop',
      cwd: 'web',
      message_count: 130,
      user_message_count: 65,
      models: ['opus'],
      redactions: { email: 5 },
    });
    expect(rig.reads).toBe(1);
  });
  it('leaves no text in the tables of delivery (S3)', async () => {
    const rig = rigOf(3);
    await rig.deliver();
    const rows = rig.db.all<{ sql: string }>(`SELECT * FROM session_link`);
    const links = JSON.stringify(rows);
    for (const text of ['turn', 'A title', '/home/ada', 'hello']) expect(links).not.toContain(text);
  });
});

describe('a change', () => {
  it('of nothing sends nothing, and writes no link', async () => {
    const rig = rigOf(500);
    await rig.deliver();
    const link = rig.db.get('SELECT * FROM session_link');
    expect(await rig.deliver()).toBe(0);
    expect(rig.db.get('SELECT * FROM session_link')).toEqual(link);
  });
  it('a late result on message 40 of 500 sends one segment', async () => {
    const rig = rigOf(500);
    rig.messages[40] = callMessage(40, null);
    await rig.deliver();
    rig.messages[40] = callMessage(40, 'it came late', NOW_MS);
    expect(await rig.deliver()).toBe(1);
    expect(rig.store.puts.at(-1)?.segments.map(({ index }) => index)).toEqual([0]);
    expect(rig.store.messages(KEY)).toEqual(rig.expected());
  });
  it('at the end sends the last segment only', async () => {
    const rig = rigOf(500);
    await rig.deliver();
    rig.messages.push(message(500, 'one more'));
    await rig.deliver();
    expect(rig.store.puts.at(-1)?.segments.map(({ index }) => index)).toEqual([7]);
  });
  it('of the title alone sends the head alone', async () => {
    const rig = rigOf(100);
    await rig.deliver();
    rig.head = head({ title: 'Renamed', starred_at_ms: NOW_MS });
    expect(await rig.deliver()).toBe(1);
    expect(rig.store.puts.at(-1)?.segments).toEqual([]);
    expect(rig.store.held.get(KEY)?.head).toMatchObject({ title: 'Renamed', starred_at_ms: NOW_MS });
  });
  it('truncated, renumbered, emptied: the store follows', async () => {
    const rig = rigOf(300);
    await rig.deliver();
    rig.messages = rig.messages.slice(0, 70);
    await rig.deliver();
    expect(rig.store.puts.at(-1)?.segments.map(({ index }) => index)).toEqual([1]);
    expect(rig.store.messages(KEY)).toEqual(rig.expected());
    rig.messages = rig.messages.map((one) => ({ ...one, ordinal: one.ordinal + 64 }));
    await rig.deliver();
    expect(rig.store.messages(KEY)).toEqual(rig.expected());
    rig.messages = [];
    await rig.deliver();
    expect(rig.store.messages(KEY)).toEqual([]);
  });
  it('of the rules masks everything again, and sends only what comes out otherwise', async () => {
    const rig = rigOf(300);
    rig.messages[130] = message(130, `password=hunter2hunter2`);
    await rig.deliver();
    rig.changeRules();
    expect(await rig.deliver()).toBe(1);
    expect(rig.store.puts.at(-1)?.segments.map(({ index }) => index)).toEqual([2]);
    expect(rig.store.messages(KEY)).toEqual(rig.expected());
    expect(await rig.deliver()).toBe(0);
  });
});

describe('a session larger than a put', () => {
  const limits = { put_bytes: 40_000, put_segments: 3 };
  const big = (): SessionRig => rigOf(64 * 10, { limits });

  it('goes in several, arriving until the last, and no put is larger than allowed', async () => {
    const rig = big();
    await rig.deliver();
    expect(rig.store.puts.length).toBeGreaterThan(3);
    expect(rig.store.puts.map(({ partial }) => partial).lastIndexOf(true)).toBe(rig.store.puts.length - 2);
    expect(Math.max(...rig.store.puts.map(({ segments }) => segments.length))).toBeLessThanOrEqual(3);
    for (const { segments } of rig.store.puts) expect(JSON.stringify(segments).length).toBeLessThan(41_000);
    expect(rig.store.held.get(KEY)).toMatchObject({ arriving: false, head: { message_count: 640 } });
    expect(rig.store.messages(KEY)).toEqual(rig.expected());
    // Twice over the source, however many puts: on from where the last put ended, and once whole.
    expect(rig.segments_read).toBeLessThan(10 + 10 + rig.store.puts.length + 1);
  });
  it('notices at the end what changed while it was sent', async () => {
    const rig = big();
    rig.onRead = () => {
      if (rig.reads === 3) rig.messages[5] = message(5, 'changed behind its back');
    };
    await rig.deliver();
    expect(rig.store.messages(KEY)).toEqual(rig.expected());
    expect(rig.store.held.get(KEY)?.arriving).toBe(false);
  });
  it('stops when the time of an attempt is over, and goes on from there', async () => {
    const rig = big();
    rig.onRead = () => {
      rig.monotonic_ms += 700;
    };
    expect(await rig.attempt(null, 1_000)).toMatchObject({ kind: 'later' });
    expect(rig.store.held.get(KEY)?.arriving).toBe(true);
    const sent = new Set(rig.store.puts.flatMap(({ segments }) => segments.map(({ index }) => index)));
    rig.open();
    rig.onRead = () => {
      if (rig.reads === 3) expect(rig.read_from).toBe(Math.max(...sent) + 1);
    };
    await rig.deliver();
    expect(rig.reads).toBeGreaterThan(2);
    expect(rig.store.messages(KEY)).toEqual(rig.expected());
    const later = rig.store.puts.slice(1).flatMap(({ segments }) => segments.map(({ index }) => index));
    expect(later.filter((index) => sent.has(index))).toEqual([]);
  });
});

it('keeps what a put came to before the next one leaves', async () => {
  const rig = rigOf(64 * 10, { limits: { put_bytes: 40_000, put_segments: 3 } });
  rig.onRead = () => {
    if (rig.reads === 3) rig.store.fault = { when: 'before', error: new Died() };
  };
  expect(await rig.attempt()).toBeNull();
  expect(rig.store.puts).toHaveLength(3);
  expect(rig.db.value('SELECT next_index FROM session_link')).toBe(
    Math.max(...rig.store.puts.slice(0, 2).flatMap(({ segments }) => segments.map(({ index }) => index))) + 1,
  );
});

describe('a process that dies', () => {
  const faults: Fault[] = ['reading', 'after_first_segment', 'proceed', 'lost_request', 'lost_answer', 'settle'];
  it.each(faults)('at %s: the next one ends where it would have', async (fault) => {
    const rig = rigOf(200);
    await rig.deliver();
    rig.messages[10] = message(10, 'edited');
    rig.messages.push(message(200, 'more'));
    expect(await rig.attempt(fault)).toBeNull();
    await rig.deliver();
    expect(rig.store.messages(KEY)).toEqual(rig.expected());
    expect(await rig.deliver()).toBe(0);
  });
});

describe('a store that has something else', () => {
  it('gets the difference against its own hashes', async () => {
    const rig = rigOf(200);
    await rig.deliver();
    rig.db.run('DELETE FROM session_link');
    rig.messages[70] = message(70, 'edited');
    expect(await rig.deliver()).toBe(2);
    expect(rig.store.puts.at(-1)?.segments.map(({ index }) => index)).toEqual([1]);
    expect(rig.store.messages(KEY)).toEqual(rig.expected());
  });
  it('that lost everything gets everything', async () => {
    const rig = rigOf(200);
    await rig.deliver();
    rig.store.held.clear();
    rig.messages[70] = message(70, 'edited');
    await rig.deliver();
    expect(rig.store.messages(KEY)).toEqual(rig.expected());
  });
  it('that keeps moving is given up for now, as an attempt', async () => {
    const rig = rigOf(3);
    await rig.deliver();
    rig.onRead = () => {
      rig.store.held.get(KEY)!.fingerprint = String(rig.reads).padStart(16, '0');
    };
    rig.messages.push(message(3, 'x'));
    expect(await rig.attempt()).toMatchObject({ kind: 'failed', failure: { scope: 'key', class: 'moving' } });
  });
  it('of another owner is never overwritten: a dead letter', async () => {
    const rig = rigOf(3);
    await rig.deliver();
    rig.store.held.get(KEY)!.owner = 'desktop/1';
    rig.messages.push(message(3, 'x'));
    expect(await rig.attempt()).toMatchObject({
      kind: 'failed',
      failure: { scope: 'key_for_good', class: 'foreign_owner' },
    });
    expect(rig.store.held.get(KEY)?.owner).not.toBe(OWNER);
  });
  it('that erased it is asked once and never sent a word again', async () => {
    const rig = rigOf(3);
    await rig.deliver();
    rig.store.held.clear();
    rig.store.tombstones.set(KEY, 'erased');
    rig.messages.push(message(3, 'x'));
    expect(await rig.deliver()).toBe(1);
    rig.messages.push(message(4, 'y'));
    expect(await rig.deliver()).toBe(0);
  });
});

describe('a session that is not in its source any more', () => {
  it('vanished: it stays and is marked, once, and comes back', async () => {
    const rig = rigOf(100);
    await rig.deliver();
    const before = rig.head;
    Object.assign(rig, { state: 'gone', head: null, since_ms: NOW_MS });
    expect(await rig.deliver()).toBe(1);
    expect(rig.store.held.get(KEY)?.head.presence).toEqual({ kind: 'source_gone', since_ms: NOW_MS });
    expect(rig.store.messages(KEY)).toEqual(rig.expected());
    expect(await rig.deliver()).toBe(0);
    Object.assign(rig, { state: 'present', head: before });
    expect(await rig.deliver()).toBe(1);
    expect(rig.store.puts.at(-1)?.segments).toEqual([]);
    expect(rig.store.held.get(KEY)?.head.presence).toEqual({ kind: 'present' });
  });
  it('vanished before it was ever sent: nothing', async () => {
    const rig = rigOf(1);
    Object.assign(rig, { state: 'gone', head: null });
    expect(await rig.deliver()).toBe(0);
  });
  it('not to be read, though no round said that it is gone: nothing changes', async () => {
    const rig = rigOf(3);
    await rig.deliver();
    const known = rig.head;
    rig.onRead = () => {
      rig.head = null;
    };
    expect(await rig.deliver()).toBe(0);
    expect(rig.store.held.get(KEY)?.head.presence).toEqual({ kind: 'present' });
    expect(known).not.toBeNull();
  });
  it.each(['state', 'presence'])('deleted by a person (%s): removed for good', async (told) => {
    const rig = rigOf(3);
    await rig.deliver();
    if (told === 'state') Object.assign(rig, { state: 'deleted', head: null });
    else rig.head = head({ presence: { kind: 'deleted', since_ms: NOW_MS } });
    await rig.deliver();
    expect(rig.store.held.has(KEY)).toBe(false);
    expect(rig.store.tombstones.get(KEY)).toBe('erased');
    Object.assign(rig, { state: 'present', head: head() });
    expect(await rig.deliver()).toBe(0);
  });
  it('trashed: kept, and marked so', async () => {
    const rig = rigOf(3);
    await rig.deliver();
    rig.head = head({ presence: { kind: 'trashed', since_ms: NOW_MS } });
    await rig.deliver();
    expect(rig.store.held.get(KEY)?.head.presence).toEqual({ kind: 'trashed', since_ms: NOW_MS });
    expect(rig.store.messages(KEY)).toHaveLength(3);
  });
});

describe('troubles', () => {
  it('of a source that is busy concern neither key nor store', async () => {
    const rig = rigOf(3);
    rig.read_error = new UnreachableError('agentsview.busy', 'locked');
    expect(await rig.attempt()).toMatchObject({ kind: 'later', until_ms: NOW_MS + 30_000 });
  });
  it('of one conversation that cannot be read are told to capture', async () => {
    const rig = rigOf(3);
    rig.read_error = new InvalidInputError('agentsview.row', 'bad row');
    expect(await rig.attempt()).toMatchObject({ kind: 'nothing' });
    expect(rig.failures).toEqual(['agentsview.row']);
  });
  it.each([
    [new FullError('full'), { kind: 'failed', failure: { scope: 'destination', class: 'full' } }],
    [
      new UnreachableError('pg.down', 'no answer'),
      { kind: 'failed', failure: { scope: 'destination', code: 'pg.down' } },
    ],
    [
      new StoreReplyError({ status: 429, retry_after: '3' }),
      { kind: 'replied', reply: { status: 429, retry_after: '3' } },
    ],
  ])('of the store become outcomes: %s', async (error, outcome) => {
    const rig = rigOf(3);
    rig.store.fault = { when: 'before', error };
    expect(await rig.attempt()).toMatchObject(outcome);
  });
});
