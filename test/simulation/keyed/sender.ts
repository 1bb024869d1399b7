import type { KeyedDestination, KeyedOutcome, SendContext } from '../../../src/engine/keyed/destination.ts';
import type { Task } from '../../../src/engine/keyed/store.ts';
import type { FaultyDatabase } from '../../support/faulty-database.ts';
import type { VirtualTime } from '../../support/virtual-time.ts';
import type { Draw } from '../draw.ts';
import type { Life } from '../process.ts';
import type { KeyedLedger } from './ledger.ts';
import type { OtherSide, Put, PutReply } from './other-side.ts';
import type { KeyedSource } from './source.ts';

export interface SenderOptions {
  db: FaultyDatabase;
  life: Life;
  source: KeyedSource;
  other: OtherSide;
  ledger: KeyedLedger;
  time: VirtualTime;
  draw: Draw;
  meddling: number;
  changes_meanwhile: number;
  /** Two loops send: the clock may step while a key is sent, so that one takes the claim of the other. */
  rivals: boolean;
  chaos: () => boolean;
}

/** The link, and a row for each settlement that moved one: what is rolled back leaves none. */
export const LINKS = `
  CREATE TABLE IF NOT EXISTS sim_link (destination_id TEXT, key TEXT, version INTEGER NOT NULL, PRIMARY KEY (destination_id, key)) STRICT;
  CREATE TABLE IF NOT EXISTS sim_sent (destination_id TEXT, key TEXT, fence INTEGER) STRICT;`;

/** A flow's sender as the README asks for: newest state after the call, link, proceed, request, link write. */
export function senderOf(options: SenderOptions): KeyedDestination {
  const { other, life, time } = options;
  const { scenario } = other;
  const send = (task: Task, context: SendContext): Promise<KeyedOutcome> => sendOne(options, task, context);
  return {
    id: scenario.id,
    accepts: (_, header) => takes(options, String(header['name'])),
    send,
    ...(scenario.batches && {
      most_keys: 3,
      sendMany: (tasks: readonly Task[], context: SendContext) => Promise.all(tasks.map((task) => send(task, context))),
    }),
    ...(scenario.probe && { probe: () => life.outlived(time.sleep(10).then(() => other.isWell())) }),
  };
}

function takes({ other: { scenario }, time, chaos }: SenderOptions, partition: string): boolean {
  const spell = scenario.declines_meanwhile;
  const now_ms = time.monotonic_ms();
  if (chaos() && spell?.partition === partition && spell.from_ms <= now_ms && now_ms < spell.to_ms) return false;
  return !scenario.declines.includes(partition);
}

async function sendOne(options: SenderOptions, task: Task, context: SendContext): Promise<KeyedOutcome> {
  const { source, life, draw, ledger, time, chaos } = options;
  const from_link = linkOf(options, task);
  await life.timers.sleep(draw.between(0, 300), context.signal);
  if (context.signal.aborted)
    return { kind: 'replied', reply: { status: null, reason: 'aborted', message: 'stopped' } };
  if (chaos() && draw.chance(0.03)) return { kind: 'later', until_ms: time.now_ms() + draw.between(1, 3_600_000) };
  const found = source.of(task.key);
  const { version } = found;
  if (from_link === version) return { kind: 'nothing' };
  if (chaos()) disturb(options, task);
  let base = from_link;
  for (let tries = 0; ; tries++) {
    if (!(await context.proceed(task))) return { kind: 'later', until_ms: time.now_ms() };
    ledger.leaves(task, version);
    const reply = await put(options, { key: found, base, version }, context.signal);
    if (reply.status === 409 && reply.current !== undefined && tries < 5) base = reply.current;
    else if (reply.status !== 200) return { kind: 'replied', reply };
    else return { kind: 'done', bytes: 10, writes: linkWrites(options, task, from_link, version) };
  }
}

/** What happens to a key while it is sent. */
function disturb({ source, time, draw, changes_meanwhile, rivals, ledger }: SenderOptions, { key }: Task): void {
  if (draw.chance(changes_meanwhile)) source.change(key);
  if (!rivals || !draw.chance(0.1)) return;
  ledger.note('clock steps over the leases');
  time.step(600_000);
}

/** The answer, or that nobody waits for it any more. */
async function put({ other, life }: SenderOptions, request: Put, signal: AbortSignal): Promise<PutReply> {
  const given_up = new Promise<PutReply>((resolve) => {
    const giveUp = (): void => {
      other.givenUp(request.key, life);
      resolve({ status: null, reason: 'aborted', message: 'stopped' });
    };
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  });
  return life.outlived(Promise.race([other.put(life, request), given_up]));
}

function linkOf({ db }: SenderOptions, { destination_id, key }: Task): number {
  return (
    db.value<number | undefined>(
      'SELECT version FROM sim_link WHERE destination_id = ? AND key = ?',
      destination_id,
      key,
    ) ?? 0
  );
}

function linkWrites(
  { db, draw, meddling, chaos }: SenderOptions,
  { destination_id, key, fence }: Task,
  from: number,
  to: number,
): NonNullable<KeyedOutcome['writes']> {
  // Somebody else (a reconciler) forgets what the other side has, between the read and the settlement.
  if (chaos() && draw.chance(meddling))
    db.run(
      `INSERT INTO sim_link VALUES (?, ?, -1) ON CONFLICT DO UPDATE SET version = version - 1000`,
      destination_id,
      key,
    );
  const sent = { sql: 'INSERT INTO sim_sent VALUES (?, ?, ?)', parameters: [destination_id, key, fence] };
  const link = {
    sql: `INSERT INTO sim_link (destination_id, key, version) VALUES (?, ?, ?)
          ON CONFLICT DO UPDATE SET version = excluded.version WHERE version = ?`,
    parameters: [destination_id, key, to, from],
    expect_rows: 1,
  };
  return [sent, link];
}
