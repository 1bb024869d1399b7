/** What can go wrong at the event bus, on request: tests and the sandbox's control page switch it on and off. */

/** The trailer that goes with a refusal (records.md §12.10). */
export const ERROR_CODES = {
  auth: 'sfdc.platform.eventbus.grpc.service.auth.error',
  unavailable: 'sfdc.platform.eventbus.grpc.service.unavailable',
  too_many_clients: 'sfdc.platform.eventbus.grpc.concurrent.client.limit.exceeded',
  delivery_limit: 'sfdc.platform.eventbus.grpc.subscription.limit.exceeded',
  replay_id: 'sfdc.platform.eventbus.grpc.subscription.fetch.replayid.corrupted',
  topic: 'sfdc.platform.eventbus.grpc.topic.not.found',
  request: 'sfdc.platform.eventbus.grpc.request.invalid',
} as const;
export type ErrorName = keyof typeof ERROR_CODES;

export type RpcName = 'Subscribe' | 'ManagedSubscribe' | 'GetSchema' | 'GetTopic' | 'Publish' | 'PublishStream';

/** What the server does for the faults; made by startPubSub. */
export interface FaultTargets {
  /** Ends every open stream. */
  endStreams(error: ErrorName): void;
  forgetEvents(): void;
  publishOverflow(entity: string): void;
  publishWildcardGap(entity: string): void;
  releaseHeld(): void;
}

export class PubSubFaults {
  readonly #targets: FaultTargets;
  readonly #refusals: { rpc: RpcName | null; error: ErrorName }[] = [];
  readonly #refused_tokens = new Set<string>();
  #gaps = 0;
  #poisoned = 0;
  #duplicates = 0;
  #reset_after: number | null = null;
  #deliverable: number | null = null;
  /** `changeOrigin` bears the tag of the caller; whether it does for all APIs is not known of the real service. */
  client_tags = true;
  /** Commits wait and come later, all in their order: `release`. */
  #holding = false;
  /** Streams stay open and say nothing, as over a dead connection. */
  silent = false;

  constructor(targets: FaultTargets) {
    this.#targets = targets;
  }

  /** The next calls, of one kind or of any, are refused. */
  refuse(error: ErrorName, { times = 1, rpc = null }: { times?: number; rpc?: RpcName | null } = {}): void {
    for (let n = 0; n < times; n++) this.#refusals.push({ rpc, error });
  }

  /** From now on a token is no session; open streams with it end. */
  expireToken(token: string): void {
    this.#refused_tokens.add(token);
    this.#targets.endStreams('auth');
  }

  /** The connections of all streams are lost. */
  reset(): void {
    this.#targets.endStreams('unavailable');
  }

  /** The same after so many more events, in the middle of whatever is sent. */
  resetAfter(events: number): void {
    this.#reset_after = events;
  }

  /** The next events are told as gaps. */
  gap(events = 1): void {
    this.#gaps += events;
  }

  /** Too much happened at once to one object: GAP_OVERFLOW. */
  overflow(entity: string): void {
    this.#targets.publishOverflow(entity);
  }

  /** A field was converted with loss: a gap over all records of an object (`001*`). */
  wildcard(entity: string): void {
    this.#targets.publishWildcardGap(entity);
  }

  /** The next events have a payload that nobody can read. */
  poison(events = 1): void {
    this.#poisoned += events;
  }

  /** The next events that are sent come twice. */
  duplicate(events = 1): void {
    this.#duplicates += events;
  }

  /** What is committed comes late. */
  hold(): void {
    this.#holding = true;
  }

  release(): void {
    this.#holding = false;
    this.#targets.releaseHeld();
  }

  /** All replay ids until now are older than what is kept. */
  expireReplayIds(): void {
    this.#targets.forgetEvents();
  }

  /** So many events may still be delivered today; null: no limit. */
  limitDelivery(events: number | null): void {
    this.#deliverable = events;
  }

  /** For the server. */
  get holding(): boolean {
    return this.#holding;
  }

  isRefusedToken(token: string): boolean {
    return this.#refused_tokens.has(token);
  }

  takeRefusal(rpc: RpcName): ErrorName | null {
    const at = this.#refusals.findIndex((refusal) => refusal.rpc === null || refusal.rpc === rpc);
    return at === -1 ? null : (this.#refusals.splice(at, 1)[0]?.error ?? null);
  }

  takeGap(): boolean {
    return this.#gaps > 0 && this.#gaps-- > 0;
  }

  takePoison(): boolean {
    return this.#poisoned > 0 && this.#poisoned-- > 0;
  }

  takeDuplicate(): boolean {
    return this.#duplicates > 0 && this.#duplicates-- > 0;
  }

  /** What ends the stream instead of its next event. */
  takeEnd(): ErrorName | null {
    if (this.#reset_after !== null && this.#reset_after-- <= 0) {
      this.#reset_after = null;
      return 'unavailable';
    }
    if (this.#deliverable === null) return null;
    if (this.#deliverable <= 0) return 'delivery_limit';
    this.#deliverable--;
    return null;
  }
}
