/** How messages reach a peer. Real: `https/`; the simulator has one of its own. */
import type { MemberId } from '../origin.ts';
import type { Verb } from './messages.ts';

/**
 * What became of a request. `unreached`: nobody knows whether it was read · `refused`: it was read and is not wanted, now
 * and without a change on either side.
 */
export type Answer =
  | { ok: true; body: string }
  | { ok: false; kind: 'unreached'; message: string; retry_after_ms?: number }
  | { ok: false; kind: 'refused'; code: string; message: string };

/** A message as it goes out: compressed, if it is large. */
export interface PreparedMessage {
  bytes: Buffer;
  headers: Record<string, string>;
}

export interface PeerTransport {
  /** Makes a message ready beforehand, while another one is under way. Without it `ask` does that itself. */
  prepare?(body: string): Promise<PreparedMessage>;
  /** Never throws for what the network or the peer does. Ends soon after `signal` aborts. */
  ask(verb: Verb, body: string | PreparedMessage, signal: AbortSignal): Promise<Answer>;
  close?(): Promise<void>;
}

/** A paired member. */
export interface Peer {
  member: MemberId;
  /** As people named it. */
  name: string;
  /** Null: it cannot be dialled; it dials us. */
  transport: PeerTransport | null;
  /** Whether to pull, too; not given: only while the peer does not reach us by itself. */
  pull?: boolean;
}
