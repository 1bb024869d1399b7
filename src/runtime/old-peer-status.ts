import type { OldPeers } from '../memory/compat/old-peers.ts';
import type { OldPeerStatus } from '../memory/compat/old-peer.ts';
import type { DestinationStatus } from './operator.ts';

/** Refused rows that are shown one by one; the others are in `waiting`. */
const MOST_HELD = 3;

/** Nodes of ai-memory as `status` shows any destination: what waits, since when, and why. */
export function oldPeerStatuses(old_peers: OldPeers | null): DestinationStatus[] {
  return (old_peers?.status() ?? []).map(statusOf);
}

export function oldPeerWarnings(old_peers: OldPeers | null): string[] {
  return (old_peers?.status() ?? []).flatMap(({ name, insecure, url, is_paused }) => [
    ...(insecure && url?.startsWith('http:') ? [`${name}: insecure = true, memories go there unencrypted`] : []),
    ...(is_paused ? [`${name} is paused; no memory leaves to it`] : []),
  ]);
}

function statusOf(peer: OldPeerStatus): DestinationStatus {
  const { push, pull, refused } = peer;
  const ways = [push, pull].filter((way) => way !== null);
  const failing = ways.find(({ failing_since_ms }) => failing_since_ms !== null);
  const successes = ways.flatMap(({ last_success_ms }) => last_success_ms ?? []);
  const error = (failing ?? ways.find(({ last_error }) => last_error !== null))?.last_error ?? null;
  return {
    destination: peer.name,
    stream: 'memory',
    state: peer.is_paused ? 'paused' : 'active',
    circuit: failing ? 'open' : 'closed',
    circuit_until_ms: failing?.due_ms ?? null,
    offline_since_ms: failing?.failing_since_ms ?? null,
    waiting: peer.waiting ?? 0,
    on_hold: null,
    oldest_waiting_ms: peer.oldest_waiting_ms,
    open_batches: 0,
    acknowledged: push?.items ?? 0,
    dead_letters: 0,
    held: refused.slice(0, MOST_HELD).map(({ row, reason, since_ms, attempts }) => ({
      partition: row,
      class: `a ${row} is refused`,
      since_ms,
      message: `${reason}; tried ${attempts} times`,
    })),
    last_success_ms: successes.length > 0 ? Math.max(...successes) : null,
    last_error: error && { ...error, code: 'memory.old_peer' },
    insecure: peer.insecure && (peer.url?.startsWith('http:') ?? false),
  };
}
