import type { PeerState } from '../memory/replication/states.ts';
import { allEnded, type PassResult } from '../engine/pass.ts';
import { FullError } from '../platform/errors.ts';
import type { DataDirectory } from './data-directory.ts';
import type { FlushResult, StreamName } from './operator.ts';
import { allProgress } from './journals.ts';
import { runs, narrowed } from './narrowed.ts';
import { oldPeerStatuses } from './old-peer-status.ts';
import { removeDelivered } from './retention.ts';

/** How long a flush waits before it looks again at a destination that asked for patience. */
const LOOK_AGAIN_MS = 250;

/**
 * Reads what is new, then delivers until nothing waits, nothing moves any more, or the time is over. When the journal is
 * full, what is delivered makes room for what is still to be read.
 */
export async function flush(
  all: DataDirectory,
  { stream, timeout_ms }: { stream: StreamName | null; timeout_ms: number },
): Promise<FlushResult> {
  const directory = narrowed(all, stream);
  const { clock, timers } = directory.options;
  const over = new AbortController();
  const deadline_ms = clock.monotonic_ms() + timeout_ms;
  void timers.sleep(timeout_ms, over.signal).then(() => over.abort());
  const result: FlushResult = {
    ...{ delivered: 0, remaining: 0, dead_letters: 0 },
    ...{ unread: true, unreadable: 0, destinations: [] },
  };
  try {
    for (let full = true; full && !over.signal.aborted;) {
      full = await readAll(directory, stream, over.signal);
      result.unread = full || over.signal.aborted;
      await deliverAll(directory, result, deadline_ms, over.signal);
      if (runs(stream, 'memory')) await tellMembers(directory, over.signal);
      if (full && (await removeDelivered(directory, over.signal)) === 0) break;
    }
  } finally {
    over.abort();
  }
  const unreadable = (directory.sessions?.sources() ?? []).reduce((sum, { failing }) => sum + failing, 0);
  return { ...result, unreadable, ...(await whatRemains(all, stream)) };
}

/**
 * Journals what is new of a stream where it is read at all; true when a journal was full before the ends. Of conversations
 * it is heard also what repositories and the configuration say by now, with capture off.
 */
async function readAll(directory: DataDirectory, stream: StreamName | null, signal: AbortSignal): Promise<boolean> {
  const { options } = directory;
  // A daemon's own sweep goes first, and a first one over years of history takes longer than a flush may.
  const over = options.timers.sleep(Infinity, signal).then(() => false);
  const reads = {
    sessions: stream === null || stream === 'sessions',
    telemetry: stream === null || stream === 'telemetry',
  };
  if (reads.sessions) await Promise.race([directory.sessions?.recognize(signal), over]);
  const conversations = reads.sessions && (await Promise.race([readConversations(directory, signal), over]));
  const telemetry = options.captures && reads.telemetry && (await readTelemetry(directory, over, signal));
  return conversations || telemetry;
}

async function readConversations({ sessions }: DataDirectory, signal: AbortSignal): Promise<boolean> {
  const swept = await sessions?.sweep(signal, true);
  return swept?.full ?? false;
}

async function readTelemetry(
  { sweep, hooks }: DataDirectory,
  over: Promise<boolean>,
  signal: AbortSignal,
): Promise<boolean> {
  const full = await Promise.race([sweep.sweep(signal).then((swept) => swept.full), over]);
  try {
    await hooks.sweep(signal);
    return full;
  } catch (error) {
    if (error instanceof FullError) return true;
    throw error;
  }
}

/** Each by itself: one that is slow, or asked for patience, holds up no other. */
async function deliverAll(
  directory: DataDirectory,
  result: FlushResult,
  deadline_ms: number,
  signal: AbortSignal,
): Promise<void> {
  const { deliveries, sessions, old_peers } = directory;
  const all = [...deliveries.values(), ...(sessions?.deliveries.values() ?? []), ...(old_peers?.deliveries() ?? [])];
  await allEnded(all.map((delivery) => deliver(delivery, directory, result, deadline_ms, signal)));
}

/** Passes until nothing waits, or what waits is due too late. */
async function deliver(
  delivery: { pass: (signal: AbortSignal) => Promise<PassResult> },
  { options: { clock, timers } }: DataDirectory,
  result: FlushResult,
  deadline_ms: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const { accepted_items, dead_letters, next_due_ms } = await delivery.pass(signal);
    result.delivered += accepted_items;
    result.dead_letters += dead_letters;
    if (next_due_ms === null) return;
    const wait_ms = Math.max(0, next_due_ms - clock.now_ms());
    if (clock.monotonic_ms() + wait_ms > deadline_ms) return;
    if (wait_ms > 0) await timers.sleep(Math.min(wait_ms, LOOK_AGAIN_MS), signal);
  }
}

async function whatRemains(
  directory: DataDirectory,
  only: StreamName | null,
): Promise<Pick<FlushResult, 'remaining' | 'destinations'>> {
  const progress = (await allProgress(directory)).filter(({ stream }) => only === null || stream === only);
  const destinations = progress.map(({ row, stream, waiting: remaining, on_hold, held }) => {
    const why = row.state === 'paused' ? 'paused' : (held[0]?.message ?? row.last_error?.message ?? 'time is over');
    return { destination: row.destination_id, stream, remaining, reason: remaining === 0 ? null : why, on_hold };
  });
  if (runs(only, 'memory')) destinations.push(...membersRemaining(directory), ...oldPeersRemaining(directory));
  return { remaining: destinations.reduce((sum, { remaining }) => sum + remaining, 0), destinations };
}

/** Until every member that a link reaches has what is here; their links send by themselves. */
async function tellMembers({ memory, options }: DataDirectory, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { running, peers } = memory?.peers.replication.status() ?? { running: false, peers: [] };
    const behind = peers.filter(({ waiting, link }) => waiting > 0 && link !== null && GETS_ON.has(link.state));
    if (!running || behind.length === 0) return;
    await options.timers.sleep(LOOK_AGAIN_MS, signal);
  }
}

/** States of a link in which waiting helps. */
const GETS_ON: ReadonlySet<PeerState> = new Set(['unmet', 'following', 'seeding']);

function membersRemaining({ memory }: DataDirectory): FlushResult['destinations'] {
  return (memory?.peers.status().peers ?? []).map(({ name, waiting: remaining, link, paused }) => {
    const why = paused ? 'paused' : link === null ? 'it fetches by itself' : (link.last_error ?? 'time is over');
    return { destination: name, stream: 'memory', remaining, reason: remaining === 0 ? null : why, on_hold: null };
  });
}

function oldPeersRemaining({ old_peers }: DataDirectory): FlushResult['destinations'] {
  return oldPeerStatuses(old_peers).map(({ destination, stream, waiting: remaining, state, held, last_error }) => {
    const why = state === 'paused' ? 'paused' : (held[0]?.message ?? last_error?.message ?? 'time is over');
    return { destination, stream, remaining, reason: remaining === 0 ? null : why, on_hold: null };
  });
}
