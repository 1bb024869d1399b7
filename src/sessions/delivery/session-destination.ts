import type { PartitionHeader, Reply } from '../../engine/ordered/destination.ts';
import type { KeyedDestination, KeyedOutcome, SendContext } from '../../engine/keyed/destination.ts';
import type { Task } from '../../engine/keyed/store.ts';
import type { Clock } from '../../platform/clock.ts';
import { FullError, UnreachableError } from '../../platform/errors.ts';
import type { ConversationHead } from '../../agents/conversation.ts';
import { SESSIONS_STREAM } from '../capture/session-sweep.ts';
import { createMasker, type Masker } from '../masking/masker.ts';
import type { TranscriptWriter } from '../store/session-store.ts';
import { StoreReplyError } from '../store/store-reply-error.ts';
import { watchWrite } from './checkout-watch.ts';
import { LinkWrites } from './link-writes.ts';
import { goneFingerprint } from './segment-hash.ts';
import type { CataloguedSession, ReadableSession, SessionCatalogue } from './session-catalogue.ts';
import type { SessionChoice, SessionChoices } from './session-choices.ts';
import type { SessionHold, SessionHolds } from './session-holds.ts';
import { inDoubt, type SessionLink } from './session-link.ts';
import type { SessionLinks } from './session-links.ts';
import type { SessionProject, SessionProjects } from './session-project.ts';
import type { SharingPolicy } from './sharing.ts';
import type { HeadContext } from './transcript-head.ts';
import {
  SourceBusyError,
  SourceFailedError,
  TranscriptSender,
  type Judgement,
  type UploadResult,
} from './transcript-sender.ts';
import type { PassLimits } from './upload-pass.ts';

export const PUT_LIMITS: PassLimits = { put_bytes: 4 * 1024 * 1024, put_segments: 256 };

/** How long a source that cannot be read is left alone. */
const SOURCE_BUSY_MS = 30_000;
/** A conversation that goes on is sent at most this often to a store that gets it only after a hold. */
const HELD_PACE_MS = 60_000;
/** How long a session that its source does not show is left alone; a round says meanwhile what became of it. */
const ABSENT_MS = 60_000;
/** How long what changed is left alone while nothing is read on this machine; a start asks again. */
const UNREAD_MS = 60 * 60_000;
const FULL_WAIT_MS = 60_000;
const MASKERS_KEPT = 64;

export interface SessionDestinationOptions {
  /** The configured name; `local` for the store of this machine. */
  id: string;
  writer: TranscriptWriter;
  team_id: string;
  /** Who may write the keys: `device/incarnation`. */
  owner: string;
  /** 32 bytes that only this device has: keys the hashes of raw segments in the links. */
  secret: Uint8Array;
  context: HeadContext;
  /** `[REDACTED:rule]` with the tag that tells equal secrets; false: without. */
  tags: boolean;
  sharing: SharingPolicy;
  /** A folder as the journal may hold it. */
  sealed: (folder: string) => Uint8Array;
  catalogue: SessionCatalogue;
  links: Pick<SessionLinks, 'read' | 'write'>;
  choices: Pick<SessionChoices, 'of' | 'keepOut'>;
  /** Whether a person started it to be private, by its agent's id: it is kept out like one that is unshared. */
  isPrivate: (agent_session_id: string) => boolean;
  projects: Pick<SessionProjects, 'of' | 'ofGone'>;
  holds: Pick<SessionHolds, 'of' | 'note' | 'clear'>;
  clock: Clock;
  limits?: PassLimits;
  /** Sessions under way together, for a writer that puts what comes at the same time into one transaction. Default 1. */
  most_keys?: number;
}

/**
 * A store of conversations as a destination of keyed delivery: local, PostgreSQL, or a team server, whatever keeps
 * `TranscriptWriter`. A key is brought to what its source has and its destination may see; answers of the store become
 * outcomes, and what a person withdrew is removed there.
 */
export class SessionDestination implements KeyedDestination {
  readonly id: string;
  readonly most_keys: number;
  readonly #options: SessionDestinationOptions;
  readonly #sender: TranscriptSender;
  readonly #maskers = new Map<string, Masker>();

  constructor(options: SessionDestinationOptions) {
    this.id = options.id;
    this.most_keys = options.most_keys ?? 1;
    this.#options = options;
    this.#sender = new TranscriptSender({ ...options, limits: options.limits ?? PUT_LIMITS });
  }

  /** The same destination with some of its parts exchanged: with others to write to, to see what it would do. */
  over(parts: Partial<SessionDestinationOptions>): SessionDestination {
    return new SessionDestination({ ...this.#options, ...parts });
  }

  accepts(stream: string, _header: PartitionHeader): boolean {
    return stream === SESSIONS_STREAM;
  }

  async send(task: Task, context: SendContext): Promise<KeyedOutcome> {
    const writes = new LinkWrites(this.#options.links, this.id, task, context);
    try {
      return await this.#send(task.key, writes, context);
    } catch (error) {
      return this.#failed(task.key, error, writes, context);
    }
  }

  async #send(key: string, writes: LinkWrites, context: SendContext): Promise<KeyedOutcome> {
    const { catalogue, choices, clock } = this.#options;
    const { link } = writes;
    if (link?.state === 'erased') return { kind: 'nothing' };
    const choice = choices.of(key);
    if (choice === 'erased') return this.#remove(key, 'erased', writes, context);
    const session = catalogue.find(key);
    if (session === null) return { kind: 'nothing' };
    if (session.state === 'deleted') return this.#remove(key, 'erased', writes, context);
    if (session.state === 'gone' || !isReadable(session)) return this.#leave(key, session, choice, writes, context);
    const hold = this.#holdOf(key);
    // It is not read for each message that comes while it has nothing to send but what is on hold.
    if (choice !== 'unshared' && hold && hold.until_ms > clock.now_ms()) return writes.later(hold.until_ms);
    return this.#bring(key, session, { choice, hold }, writes, context);
  }

  /** Nothing is ever on hold for the store of this machine. */
  #holdOf(key: string): SessionHold | null {
    const { holds, context, clock } = this.#options;
    return context.is_local ? null : holds.of(this.id, key, clock.now_ms());
  }

  /** Brings the store to what the source has. */
  async #bring(
    key: string,
    session: ReadableSession,
    { choice, hold }: { choice: SessionChoice | null; hold: SessionHold | null },
    writes: LinkWrites,
    context: SendContext,
  ): Promise<KeyedOutcome> {
    const { link } = writes;
    const result = await this.#sender.upload({
      key,
      session,
      link,
      hold,
      restores: choice === 'shared' || link?.state === 'withdrawn',
      judge: (head) => this.#judge(key, head, choice, writes),
      proceed: (moved) => writes.proceed(moved),
      signal: context.signal,
      timeout_ms: context.timeout_ms,
    });
    switch (result.kind) {
      case 'done':
        return this.#done(key, result, hold, writes);
      case 'unfinished':
        return writes.save(result.link).later(this.#options.clock.now_ms());
      case 'not_shared':
        return this.#remove(key, 'unshared', writes, context);
      case 'deleted':
        return this.#remove(key, 'erased', writes, context);
      case 'undecided':
        return writes.nothing();
      case 'absent':
        // A row that vanishes and is back before the next round has the mark it had: nobody would notice it again.
        return writes.later(this.#options.clock.now_ms() + ABSENT_MS);
      case 'erased':
        return writes.save(this.#emptyLink('erased')).nothing();
      case 'foreign':
        return writes.failed('key_for_good', 'foreign_owner', 'Another machine writes this session there.');
      case 'moving':
        return writes.failed('key', 'moving', 'The store kept changing while the session was sent.');
    }
  }

  #judge(key: string, head: ConversationHead, choice: SessionChoice | null, writes: LinkWrites): Judgement {
    const { projects, sharing, context, choices, isPrivate, clock } = this.#options;
    const { project, writes: remember } = projects.of(key, head);
    writes.add(remember);
    const masker = this.#maskerFor(project);
    if (head.presence.kind === 'deleted') return { project, masker, decision: { kind: 'deleted' } };
    const is_private = choice === null && head.agent_session_id !== null && isPrivate(head.agent_session_id);
    if (is_private) writes.add([choices.keepOut(key, clock.now_ms())]);
    const unshared = choice === 'unshared' || is_private;
    const linked = (writes.link?.fingerprint ?? null) !== null;
    const decision = sharing.decide({ project, unshared, linked, started_at_ms: head.started_at_ms });
    // Excluded from being read: nothing more of it is taken; what was taken before goes by `erase`, or a word on sharing.
    if (!project.captured && decision.kind === 'send') return { project, masker, decision: { kind: 'undecided' } };
    if (decision.kind === 'send' && !context.is_local && project.checkout !== null && project.root !== null)
      writes.add([watchWrite(project.checkout, this.#options.sealed(project.root), !linked)]);
    return { project, masker, decision };
  }

  #maskerFor({ identity, root }: SessionProject): Masker {
    const known = this.#maskers.get(JSON.stringify([identity, root]));
    if (known) return known;
    const { tags, context, clock } = this.#options;
    const { hashing, salt } = context;
    const masker = createMasker({ hashing, salt, workspace: identity ?? '', root, tags, clock });
    if (this.#maskers.size >= MASKERS_KEPT) this.#maskers.clear();
    this.#maskers.set(JSON.stringify([identity, root]), masker);
    return masker;
  }

  #done(
    key: string,
    { link, sent, sent_bytes, held }: UploadResult & { kind: 'done' },
    before: SessionHold | null,
    writes: LinkWrites,
  ): KeyedOutcome {
    const { clock, holds, catalogue } = this.#options;
    catalogue.noteRead(key);
    const settled = writes.save(link);
    if (held === null) {
      if (before) writes.add([holds.clear(this.id, key)]);
      return sent ? settled.done(sent_bytes) : settled.nothing();
    }
    const now_ms = clock.now_ms();
    const until_ms = Math.max(held.until_ms, now_ms + HELD_PACE_MS);
    const head_since_ms = before?.head === held.head ? before.head_since_ms : now_ms;
    writes.add([holds.note(this.id, key, { until_ms, noted_ms: now_ms, head: held.head, head_since_ms })]);
    return settled.later(until_ms);
  }

  /** Only what this sender put is removed; of a session it never sent there is nothing to take back. */
  async #remove(
    key: string,
    reason: 'unshared' | 'erased',
    writes: LinkWrites,
    { signal }: SendContext,
  ): Promise<KeyedOutcome> {
    if (this.#holdOf(key)) writes.add([this.#options.holds.clear(this.id, key)]);
    const { link } = writes;
    const was_there = (link?.fingerprint ?? null) !== null;
    const is_there = was_there || (reason === 'erased' && link?.state === 'withdrawn');
    if (!is_there) return writes.nothing();
    // Noted before the request: when its answer is lost and the session is shared again, the next put says so.
    const leaving: SessionLink | null = link && { ...link, state: 'withdrawn' };
    if (!(await writes.proceed(leaving))) return writes.later(this.#options.clock.now_ms());
    const { writer, team_id, owner } = this.#options;
    const removed = await writer.remove(team_id, key, owner, reason, signal);
    if (removed === 'foreign')
      return writes.failed('key_for_good', 'foreign_owner', 'Another machine writes this session there.');
    return writes.save(this.#emptyLink(reason === 'erased' ? 'erased' : 'withdrawn')).done(0);
  }

  /**
   * It cannot be read: its source has it no more, so that it stays and is marked (R12), or capture is off. What may not be
   * there any more is withdrawn all the same: switching capture off takes back nothing, and keeps nobody from doing so.
   */
  #leave(
    key: string,
    session: CataloguedSession,
    choice: SessionChoice | null,
    writes: LinkWrites,
    context: SendContext,
  ): Promise<KeyedOutcome> {
    const { projects, sharing } = this.#options;
    const unshared = choice === 'unshared';
    const decision = sharing.decide({ project: projects.ofGone(key), unshared, linked: true, started_at_ms: null });
    if (decision.kind === 'not_shared') return this.#remove(key, 'unshared', writes, context);
    if (session.state === 'gone') return this.#markGone(key, session, writes, context);
    return Promise.resolve(writes.later(this.#options.clock.now_ms() + UNREAD_MS));
  }

  async #markGone(
    key: string,
    { since_ms }: CataloguedSession,
    writes: LinkWrites,
    { signal }: SendContext,
  ): Promise<KeyedOutcome> {
    const { writer, team_id, owner, context } = this.#options;
    const { link } = writes;
    const is_told = link?.gone_since_ms === since_ms;
    if (link?.state !== 'stored' || link.fingerprint === null || is_told) return writes.nothing();
    let base = link.fingerprint;
    for (const is_second of [false, true]) {
      const fingerprint = goneFingerprint(context.hashing, base, since_ms);
      if (!(await writes.proceed(inDoubt(link)))) return writes.later(this.#options.clock.now_ms());
      const result = await writer.markGone(team_id, { key, base, fingerprint, owner, since_ms }, signal);
      if (result.kind === 'stored' || result.kind === 'already')
        return writes.save({ ...link, fingerprint, gone_since_ms: since_ms }).done(0);
      if (result.kind === 'erased') return writes.save(this.#emptyLink('erased')).nothing();
      if (result.kind === 'foreign')
        return writes.failed('key_for_good', 'foreign_owner', 'Another machine writes this session there.');
      if (result.fingerprint === null) return writes.save(this.#emptyLink('stored')).nothing();
      base = result.fingerprint;
      if (is_second) break;
    }
    return writes.failed('key', 'moving', 'The store kept changing while the session was marked.');
  }

  #emptyLink(state: SessionLink['state']): SessionLink {
    const { owner, clock } = this.#options;
    const stored_ms = clock.now_ms();
    return {
      state,
      fingerprint: null,
      owner,
      rule_set: '',
      segments: [],
      next_index: null,
      gone_since_ms: null,
      told_head: null,
      stored_ms,
    };
  }

  #failed(key: string, error: unknown, writes: LinkWrites, { signal }: SendContext): KeyedOutcome {
    if (error instanceof StoreReplyError)
      return { ...writes.nothing(), kind: 'replied', reply: withoutWords(error.reply) };
    if (signal.aborted) return writes.later(this.#options.clock.now_ms());
    if (error instanceof SourceBusyError) return writes.later(this.#options.clock.now_ms() + SOURCE_BUSY_MS);
    if (error instanceof SourceFailedError) {
      // Capture notices it again after a while; the destination is well and other keys go on.
      this.#options.catalogue.noteFailure(key, error);
      return writes.nothing();
    }
    if (error instanceof FullError) return writes.failed('destination', 'full', error.message, FULL_WAIT_MS);
    if (error instanceof UnreachableError) return writes.failed('destination', error.code, error.message);
    throw error;
  }
}

function isReadable(session: CataloguedSession): session is ReadableSession {
  return session.source !== null;
}

const CODE = /^[\w.-]{1,64}$/;

/**
 * A reply without what the server wrote freely: a server that repeats what it was sent would put a conversation into the
 * journal's refusals, and from there on screens (S3). Its code says enough.
 */
function withoutWords(reply: Reply): Reply {
  if (reply.status === null) return reply;
  const { status, retry_after, limits } = reply;
  const code = reply.code !== undefined && CODE.test(reply.code) ? reply.code : undefined;
  return {
    status,
    retry_after,
    limits,
    code,
    message: `the store answered ${status}${code === undefined ? '' : ` (${code})`}`,
  };
}
