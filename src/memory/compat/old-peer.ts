import type { PassResult } from '../../engine/pass.ts';
import type { RetryPolicy } from '../../engine/retry.ts';
import { Wakeup } from '../../engine/wakeup.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Random } from '../../platform/random.ts';
import type { Timers } from '../../platform/timers.ts';
import { Turns } from '../../platform/turns.ts';
import type { Redactor } from '../../redaction/redactor.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import type { Memories } from '../memories.ts';
import { ExchangeState, type ExchangeStatus } from './exchange-state.ts';
import type { SigningKey } from './ed25519.ts';
import { namespaceMatcher } from './namespace-pattern.ts';
import { OldPeerClient, type OldPeerTls } from './old-peer-client.ts';
import { IS_SYNCLINE, OldPeerDelivery } from './old-peer-delivery.ts';
import { OldPeerPull } from './old-peer-pull.ts';
import { Outgoing } from './outgoing.ts';
import type { Refused } from './outbox.ts';
import { PeerSettings } from './peer-settings.ts';
import type { PushReceiver } from './receive-push.ts';
import { sharingOf } from './sharing.ts';

/** Longer than the original takes for a page; a hung peer holds up nobody else. */
const REQUEST_MS = 30_000;

/** A peer as its owner configured it. */
export interface OldPeerConfig {
  /** For people: tables, commands, metrics. */
  name: string;
  /** Its id on the wire. */
  agent_id: string;
  /** Null: it only speaks to us. */
  url: string | null;
  /** Patterns of namespaces that may leave to it, and that it may write to. */
  send: readonly string[];
  take: readonly string[];
  /** Memories without a scope may leave, too. */
  unscoped: boolean;
  senders: readonly string[];
  /** URL-safe Base64; null: the file of its id in the folder of keys, if there is one. */
  public_key: string | null;
  unsigned: boolean;
  api_key: string | null;
  tls: OldPeerTls;
  insecure: boolean;
}

export interface OldPeerParts {
  peer: OldPeerConfig;
  memories: Memories;
  receiver: PushReceiver;
  db: Database;
  redactor: Redactor;
  signing_key: SigningKey;
  /** Our id on the wire. */
  agent_id: string;
  clock: Clock;
  random: Random;
  timers: Timers;
  retry: RetryPolicy;
}

export interface OldPeerStatus {
  name: string;
  agent_id: string;
  url: string | null;
  is_paused: boolean;
  insecure: boolean;
  /** Rows that it has still to be told, refused ones included; null: nothing is pushed to it. */
  waiting: number | null;
  oldest_waiting_ms: number | null;
  /** Rows that it refuses by themselves; they hold up no other. */
  refused: Refused[];
  push: ExchangeStatus | null;
  pull: ExchangeStatus | null;
}

/** One peer: what leaves to it and what is fetched from it. A way that nothing was said yes to does not exist. */
export class OldPeer {
  readonly name: string;
  readonly agent_id: string;
  /** What it is pushed; null: nothing may leave to it, or nobody knows where it is. */
  readonly delivery: OldPeerDelivery | null = null;
  /** Wakes the loop that pushes. */
  readonly news = new Wakeup();
  readonly #parts: OldPeerParts;
  readonly #settings: PeerSettings;
  readonly #client: OldPeerClient | null = null;
  readonly #pull: OldPeerPull | null = null;
  readonly #pulled: ExchangeState;
  readonly #turns = new Turns();
  /** Ends what is under way when it is paused. */
  #interrupt = new AbortController();

  constructor(parts: OldPeerParts) {
    const { peer, db, clock } = parts;
    this.name = peer.name;
    this.agent_id = peer.agent_id;
    this.#parts = parts;
    this.#settings = new PeerSettings(db, peer.agent_id, clock);
    this.#pulled = new ExchangeState({ ...parts, peer: peer.agent_id, way: 'pull' });
    if (peer.url === null) return;
    this.#client = clientOf(parts, peer.url);
    if (peer.send.length > 0) this.delivery = this.#openDelivery(this.#client);
    if (peer.take.length > 0) this.#pull = pullOf(parts, this.#client);
  }

  get pushes(): boolean {
    return this.delivery !== null;
  }

  get pulls(): boolean {
    return this.#pull !== null;
  }

  isPaused(): boolean {
    return this.#settings.isPaused();
  }

  /** When it has returned nothing is under way any more. */
  async pause(until_ms: number | null): Promise<void> {
    this.#settings.pause(until_ms);
    this.#interrupt.abort('paused');
    this.#interrupt = new AbortController();
    await this.delivery?.idle();
    await this.#turns.run(async () => undefined);
  }

  resume(): void {
    this.#settings.resume();
    this.news.notify();
  }

  /** As at a start: one request goes out, however long it was to wait. */
  tryNow(): void {
    this.delivery?.tryNow();
    this.#pulled.tryNow();
  }

  /** One pass of the delivery. */
  async push(signal: AbortSignal): Promise<PassResult> {
    const until = AbortSignal.any([signal, this.#interrupt.signal]);
    return (
      (await this.delivery?.pass(until)) ?? { accepted_items: 0, dead_letters: 0, next_due_ms: null, idle: 'empty' }
    );
  }

  /** Fetches what is new, if it is time to; returns when to come again: null = after the usual interval. */
  async pull(signal: AbortSignal): Promise<number | null> {
    return this.#turns.run(() => this.#fetch(AbortSignal.any([signal, this.#interrupt.signal])));
  }

  async #fetch(signal: AbortSignal): Promise<number | null> {
    const [client, pull] = [this.#client, this.#pull];
    if (!client || !pull || this.isPaused() || signal.aborted) return null;
    const due_ms = this.#pulled.due_ms();
    if (due_ms > this.#parts.clock.now_ms()) return due_ms;
    const native = await client.speaksNative(signal);
    if (signal.aborted) return null;
    if (native === true) this.#pulled.failed(IS_SYNCLINE, this.#parts.retry.retry_after_cap_ms);
    else if (native !== false) this.#pulled.failed(native.message, native.wait_ms);
    if (native !== false) return this.#pulled.due_ms();
    const { rows, away } = await pull.pass(signal);
    if (signal.aborted) return null;
    if (away) this.#pulled.failed(away.message, away.wait_ms);
    else this.#pulled.succeeded(rows);
    return away ? this.#pulled.due_ms() : null;
  }

  status(): OldPeerStatus {
    const { delivery } = this;
    const { name, agent_id, url, insecure } = this.#parts.peer;
    return {
      ...{ name, agent_id, url, insecure, is_paused: this.isPaused() },
      waiting: delivery ? delivery.backlog() : null,
      oldest_waiting_ms: delivery?.oldest() ?? null,
      refused: delivery?.refused() ?? [],
      push: delivery ? delivery.status() : null,
      pull: this.#pull ? this.#pulled.status() : null,
    };
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }

  #openDelivery(client: OldPeerClient): OldPeerDelivery {
    const { peer, redactor } = this.#parts;
    const delivery = new OldPeerDelivery({
      ...this.#parts,
      peer: peer.agent_id,
      client,
      outgoing: new Outgoing(sharingOf(peer.send, peer.unscoped), redactor),
      isPaused: () => this.isPaused(),
    });
    const sharing = JSON.stringify([peer.send, peer.unscoped]);
    if (this.#settings.isSharingChanged(sharing)) delivery.lookAgain();
    return delivery;
  }
}

function clientOf(parts: OldPeerParts, url: string): OldPeerClient {
  const { agent_id, signing_key, clock, random, timers, retry } = parts;
  const { insecure, tls, api_key } = parts.peer;
  return new OldPeerClient({
    ...{ agent_id, signing_key, clock, random, timers, retry },
    ...{ url, insecure, tls, request_timeout_ms: REQUEST_MS },
    ...(api_key === null ? {} : { api_key }),
  });
}

function pullOf({ peer, ...parts }: OldPeerParts, client: OldPeerClient): OldPeerPull {
  const matchers = peer.take.map(namespaceMatcher);
  const allows = (namespace: string): boolean => matchers.some((matches) => matches(namespace));
  return new OldPeerPull({ ...parts, peer: peer.agent_id, client, allows });
}
