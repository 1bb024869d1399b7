/** Answers other members. The transport says who asks; here it is checked that he is paired and speaks for himself. */
import { speakerOf } from './members.ts';
import { joinVectors, type MemberId } from '../origin.ts';
import type { OperationPage, RangeDigest } from '../replica.ts';
import { greetingTo, standingOf, type ReplicationContext } from './context.ts';
import {
  ackOf,
  readKeys,
  readMessage,
  readPages,
  readPrefixes,
  readPull,
  readRows,
  readSeed,
  readSnapshotAfter,
  writeMessage,
  writePages,
  writeRows,
  type Message,
  type PageAck,
  type Pull,
  type Standing,
  type Verb,
} from './messages.ts';
import { originsLacking, readLacking, type Lacking } from './pages.ts';

type Answering = (member: MemberId, message: Message, signal: AbortSignal) => Promise<Said>;

interface Said {
  body: object;
  texts?: readonly string[];
}

export class Responder {
  readonly #context: ReplicationContext;
  readonly #verbs: Record<Verb, Answering>;
  /** The snapshot that a peer is giving us, and the page that comes next. A restart begins it anew. */
  readonly #seeds = new Map<MemberId, { transfer: string; wanted: number }>();

  constructor(context: ReplicationContext) {
    this.#context = context;
    this.#verbs = {
      hello: async (_, { standing }) => ({ body: greetingTo(speakerOf(standing), this.#context) }),
      push: (member, message) => this.#push(member, message),
      pull: (_, message, signal) => this.#pull(message.standing, readPull(message), signal),
      digest: (_, message) => this.#digest(readPrefixes(message)),
      states: async (_, message) => this.#rows(await this.#context.replica.states(readKeys(message))),
      repair: (member, message) => this.#repair(member, message),
      snapshot: (_, message) => this.#snapshot(readSnapshotAfter(message)),
      seed: (member, message) => this.#seed(member, message),
    };
  }

  /**
   * Answers one message of a member whom the transport has recognised.
   * @throws ForbiddenError `memory.not_paired`, `memory.identity`; InvalidInputError `memory.message`, `memory.page`;
   * DialectError `memory.dialect`
   */
  async answer(member: MemberId, verb: Verb, body: string, signal: AbortSignal): Promise<string> {
    const message = readMessage(body);
    await this.#context.members.heard(member, message.standing);
    this.#context.members.compareRoots(member, standingOf(this.#context, null), message.standing);
    this.#context.spoke(member, speakerOf(message.standing));
    const { body: said, texts } = await this.#verbs[verb](member, message, signal);
    return writeMessage(standingOf(this.#context, message.standing), said, texts);
  }

  async #push(member: MemberId, message: Message): Promise<Said> {
    const { replica, members } = this.#context;
    const acks: PageAck[] = [];
    for (const page of readPages(message)) {
      const ack = ackOf(await replica.apply(page));
      if (ack.stopped?.why === 'identity_shared') members.shared(member, page.origin, ack.stopped.sequence);
      acks.push(ack);
    }
    return { body: { acks } };
  }

  /** Answers at once with what the puller lacks; else waits for something new, as long as the puller wants. */
  async #pull(puller: Standing, pull: Pull, signal: AbortSignal): Promise<Said> {
    const { clock, timers, commits } = this.#context;
    const until = clock.monotonic_ms() + pull.wait_ms;
    for (;;) {
      const { pages, log_too_short } = await this.#lacking(puller, pull);
      const left = until - clock.monotonic_ms();
      if (pages.length > 0 || log_too_short || left <= 0 || signal.aborted)
        return this.#pages(pages, pages.length === 0 && log_too_short !== null);
      await commits.wait(left, timers, signal);
    }
  }

  #pages(pages: readonly OperationPage[], snapshot_needed: boolean): Said {
    const { pages: heads, texts } = writePages(pages);
    return { body: { pages: heads, snapshot_needed }, texts };
  }

  /** By what the puller said in this very request: it is the newest that is known of that machine. */
  async #lacking({ origin: their_origin, vector }: Standing, { except }: Pull): Promise<Lacking> {
    const { replica } = this.#context;
    const who = { ours: replica.identity().origin, their_origin };
    const origins = originsLacking(replica.vector(), vector, who).filter((origin) => !except.includes(origin));
    return readLacking(replica, origins, vector);
  }

  async #digest(prefixes: readonly string[]): Promise<Said> {
    const ranges: RangeDigest[] = [];
    for (const prefix of prefixes) ranges.push(await this.#context.replica.digest(prefix));
    return { body: { ranges } };
  }

  #rows(rows: Parameters<typeof writeRows>[0]): Said {
    const { rows: keys, texts } = writeRows(rows);
    return { body: { rows: keys }, texts };
  }

  async #repair(member: MemberId, message: Message): Promise<Said> {
    const { replica, alarm } = this.#context;
    const rows = readRows(message);
    const mended = await replica.mend(rows);
    if (mended > 0) alarm({ kind: 'mended', member, rows: mended });
    const written = await replica.repair(rows);
    return { body: { operations: written.length } };
  }

  async #snapshot(after: string): Promise<Said> {
    const { replica } = this.#context;
    // Before the rows are read: the rows may hold more than the vector says, never less.
    const began = replica.vector();
    const { rows, next } = await replica.snapshot(after);
    const { rows: keys, texts } = writeRows(rows);
    return { body: { rows: keys, next, began }, texts };
  }

  /** Pages of one transfer in their order and each in one process, or it begins anew: no row may be missing at the end. */
  async #seed(member: MemberId, message: Message): Promise<Said> {
    const { transfer, page, rows, of, joins, adopt } = readSeed(message);
    const before = this.#seeds.get(member);
    const wanted = before?.transfer === transfer ? before.wanted : 0;
    if (page !== wanted) return { body: { wanted } };
    const { replica, ahead } = this.#context;
    ahead.vector = joinVectors(ahead.vector, of.vector);
    await replica.applySnapshot(rows, joins ? undefined : of);
    if (adopt) await this.#context.replica.adopt(adopt);
    if (adopt) this.#seeds.delete(member);
    else this.#seeds.set(member, { transfer, wanted: page + 1 });
    return { body: { wanted: adopt ? null : page + 1 } };
  }
}
