/** Requests to one peer: written, sent, answered, checked, and what the peer said of itself noted. */
import { SynclineError, messageOf } from '../../platform/errors.ts';
import { linkedAbort } from '../../platform/linked-abort.ts';
import type { MemberId } from '../origin.ts';
import type { OperationPage, RangeDigest, RowState } from '../replica.ts';
import { greetingTo, standingOf, type ReplicationContext } from './context.ts';
import {
  readAcks,
  readCount,
  readGreeting,
  readMessage,
  readPulled,
  readRanges,
  readRows,
  readSeeded,
  readSnapshot,
  writeMessage,
  writePages,
  writeRows,
  type Greeting,
  type Message,
  type PageAck,
  type Pull,
  type Pulled,
  type RowKey,
  type SeedPart,
  type SnapshotPart,
  type Standing,
  type Verb,
} from './messages.ts';
import { speakerOf, type Speaker } from './members.ts';
import type { PeerTransport, PreparedMessage } from './transport.ts';

/** A request that did not come to an answer of use. `refused`: trying again soon changes nothing. */
export class ExchangeError extends SynclineError {
  readonly refused: boolean;
  readonly retry_after_ms: number | null;
  constructor(code: string, message: string, refused: boolean, retry_after_ms: number | null = null) {
    super(code, message);
    this.refused = refused;
    this.retry_after_ms = retry_after_ms;
  }
}

export interface PreparedPush {
  pages: readonly OperationPage[];
  message: string | PreparedMessage;
}

export class Conversation {
  readonly #context: ReplicationContext;
  readonly #member: MemberId;
  readonly #transport: PeerTransport;
  readonly #heard: (theirs: Standing) => void;
  #speaker: Speaker | null = null;

  /** `heard` is called with what the peer said of itself in each answer, right when it came. */
  constructor(
    context: ReplicationContext,
    member: MemberId,
    transport: PeerTransport,
    heard: (theirs: Standing) => void,
  ) {
    this.#context = context;
    this.#member = member;
    this.#transport = transport;
    this.#heard = heard;
  }

  /** Who answered last: a clone of it may speak to us as well, and has other things. */
  get speaker(): Speaker | null {
    return this.#speaker;
  }

  async greet(signal: AbortSignal): Promise<Greeting> {
    return this.#understand(readGreeting, await this.#ask('hello', signal, greetingTo(this.#speaker, this.#context)));
  }

  /** A push that is ready to be sent. It says what we are at this moment, so it must not wait for longer than another push takes. */
  async prepare(pages: readonly OperationPage[]): Promise<PreparedPush> {
    const { pages: heads, texts } = writePages(pages);
    const text = this.#write({ pages: heads }, texts);
    return { pages, message: (await this.#transport.prepare?.(text)) ?? text };
  }

  async push({ message }: PreparedPush, signal: AbortSignal): Promise<PageAck[]> {
    return this.#understand(readAcks, await this.#send('push', signal, message));
  }

  async pull(pull: Pull, signal: AbortSignal): Promise<Pulled> {
    return this.#understand(readPulled, await this.#ask('pull', signal, pull, [], pull.wait_ms));
  }

  async digest(prefixes: readonly string[], signal: AbortSignal): Promise<RangeDigest[]> {
    return this.#understand(readRanges, await this.#ask('digest', signal, { prefixes }));
  }

  async states(keys: readonly RowKey[], signal: AbortSignal): Promise<RowState[]> {
    return this.#understand(readRows, await this.#ask('states', signal, { keys }));
  }

  async repair(rows: readonly RowState[], signal: AbortSignal): Promise<number> {
    const { rows: keys, texts } = writeRows(rows);
    return this.#understand(readCount, await this.#ask('repair', signal, { rows: keys }, texts));
  }

  async snapshot(after: string, signal: AbortSignal): Promise<SnapshotPart> {
    return this.#understand(readSnapshot, await this.#ask('snapshot', signal, { after }));
  }

  /** The page that the peer wants next, null when it has all. */
  async seed({ transfer, page, rows, of, joins, adopt }: SeedPart, signal: AbortSignal): Promise<number | null> {
    const { rows: keys, texts } = writeRows(rows);
    return this.#understand(
      readSeeded,
      await this.#ask('seed', signal, { transfer, page, rows: keys, of, joins, adopt }, texts),
    );
  }

  /** What the peer said wrongly is its fault, not ours. */
  #understand<From, To>(read: (from: From) => To, from: From): To {
    try {
      return read(from);
    } catch (error) {
      const code = error instanceof SynclineError ? error.code : 'memory.message';
      throw new ExchangeError(code, messageOf(error), true);
    }
  }

  /** @throws ExchangeError */
  #ask(verb: Verb, signal: AbortSignal, body: object, texts: readonly string[] = [], wait_ms = 0): Promise<Message> {
    return this.#send(verb, signal, this.#write(body, texts), wait_ms);
  }

  /** A message with what we are now. */
  #write(body: object, texts: readonly string[]): string {
    const known = this.#speaker === null ? null : this.#context.members.speaking(this.#speaker);
    return writeMessage(standingOf(this.#context, known?.standing ?? null), body, texts);
  }

  async #send(verb: Verb, signal: AbortSignal, request: string | PreparedMessage, wait_ms = 0): Promise<Message> {
    const { timers, settings } = this.#context;
    const over = linkedAbort(signal);
    void timers.sleep(settings.request_timeout_ms + wait_ms, over.signal).then(() => over.abort('over'));
    const answer = await this.#transport.ask(verb, request, over.signal);
    over.unlink();
    over.abort('over');
    if (!answer.ok && answer.kind === 'unreached')
      throw new ExchangeError('memory.unreached', answer.message, false, answer.retry_after_ms ?? null);
    if (!answer.ok) throw new ExchangeError(answer.code, answer.message, true);
    return this.#read(answer.body);
  }

  async #read(body: string): Promise<Message> {
    const message = this.#understand(readMessage, body);
    await this.#context.members.heard(this.#member, message.standing);
    this.#speaker = speakerOf(message.standing);
    this.#heard(message.standing);
    return message;
  }
}
