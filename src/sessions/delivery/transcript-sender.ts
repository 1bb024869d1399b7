import { isDeepStrictEqual } from 'node:util';
import type { ConversationHead, ConversationSegment } from '../../agents/conversation.ts';
import type { Clock } from '../../platform/clock.ts';
import { StaleError, SynclineError, UnreachableError } from '../../platform/errors.ts';
import type { Masker } from '../masking/masker.ts';
import type { TranscriptWriter } from '../store/session-store.ts';
import type { PutResult, TranscriptPut } from '../store/transcript.ts';
import { Difference } from './difference.ts';
import { Hold } from './hold.ts';
import { fingerprintOf, rawHash } from './segment-hash.ts';
import type { ReadableSession } from './session-catalogue.ts';
import type { SessionHold } from './session-holds.ts';
import { hashesOf, inDoubt, totalRedactions, type LinkedSegment, type SessionLink } from './session-link.ts';
import type { SessionProject } from './session-project.ts';
import type { SharingDecision } from './sharing.ts';
import { Figures, transcriptHead, type HeadContext } from './transcript-head.ts';
import { UploadPass, type PassLimits } from './upload-pass.ts';

/** Answers of `stale` to one attempt: the first is met with the store's own hashes, the second with the whole session. */
const MOST_STALE = 3;
/** Of the time of an attempt, what may have gone by when another put is begun. */
const SHARE_OF_TIMEOUT = 0.6;
const MOST_PUTS = 1_000;

export interface SenderOptions {
  writer: TranscriptWriter;
  team_id: string;
  /** Who may write the keys: `device/incarnation`. */
  owner: string;
  /** 32 bytes that only this device has. */
  secret: Uint8Array;
  context: HeadContext;
  limits: PassLimits;
  clock: Clock;
}

export interface Judgement {
  project: SessionProject;
  masker: Masker;
  /** `deleted`: a person removed it at its source. */
  decision: SharingDecision | { kind: 'deleted' };
}

/** What is known before the conversation is read. */
export interface Upload {
  key: string;
  session: ReadableSession;
  link: SessionLink | null;
  /** As the attempt before noted it. */
  hold: SessionHold | null;
  /** It was taken back from the store, and is shared again. */
  restores: boolean;
  /** Asked once, with the first head: where the session belongs, and whether it may leave. */
  judge: (head: ConversationHead) => Judgement;
  /**
   * To be awaited before each request, with the link as it is by then when a put went before; false: nothing more may
   * be sent.
   */
  proceed: (link: SessionLink | null) => Promise<boolean>;
  signal: AbortSignal;
  timeout_ms: number;
}

/** What was not sent yet, so that it can be withdrawn. */
export interface Held {
  until_ms: number;
  /** Keyed digest of the title and branch as they are now. */
  head: string;
}

export type UploadResult =
  /** The store has what may leave. `link` null: nothing was changed, neither there nor in the link. */
  | { kind: 'done'; link: SessionLink | null; sent_bytes: number; sent: boolean; held: Held | null }
  /** Time is over, or it may not be sent to any more; what was put is in `link`. */
  | { kind: 'unfinished'; link: SessionLink | null }
  | { kind: 'not_shared' }
  | { kind: 'undecided' }
  | { kind: 'deleted' }
  /** The source does not have it (any more): its next round says what that means. */
  | { kind: 'absent' }
  | { kind: 'foreign' }
  | { kind: 'erased' }
  /** Somebody else kept changing it at the store. */
  | { kind: 'moving' };

/** The source cannot be read just now; it is no fault of the key or the destination. */
export class SourceBusyError extends SynclineError {
  constructor(cause: SynclineError) {
    super(cause.code, `The conversation cannot be read now: ${cause.message}`, { cause });
  }
}

/** This conversation cannot be read; others of its source can. */
export class SourceFailedError extends SynclineError {
  constructor(cause: unknown) {
    const code = cause instanceof SynclineError ? cause.code : 'sessions.unreadable';
    const reason = cause instanceof SynclineError ? cause.message : 'a defect in its reader';
    super(code, `The conversation cannot be read: ${reason}`, { cause });
  }
}

/**
 * Brings the store to what may leave of one conversation (S1): reads, masks what changed, puts what the store does not
 * have. A session larger than one put is gone through in several passes, each of which reads on from where the last
 * put ended, and once more whole at the end, so that what changed meanwhile is seen: memory holds one put.
 */
export class TranscriptSender {
  readonly #options: SenderOptions;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  upload(upload: Upload): Promise<UploadResult> {
    return new Attempt(this.#options, upload).run();
  }
}

/** Where a session stands between two passes: done with, or to be read on from a segment. */
type Step = UploadResult | { kind: 'next'; from: number };

interface Reading {
  pass: UploadPass;
  head: ConversationHead;
  /** It began with the first segment. */
  is_whole: boolean;
}

/** One attempt at one conversation. */
class Attempt {
  readonly #options: SenderOptions;
  readonly #upload: Upload;
  readonly #began_ms: number;
  readonly #now_ms: number;
  #judged: Judgement | null = null;
  #difference: Difference | null = null;
  #hold: Hold | null = null;
  #figures = new Figures();
  #base: string | null;
  /** The link after the last put that was taken; null = as it was read. */
  #link: SessionLink | null = null;
  #stale = 0;
  #puts = 0;
  #sent_bytes = 0;

  constructor(options: SenderOptions, upload: Upload) {
    this.#options = options;
    this.#upload = upload;
    this.#began_ms = options.clock.monotonic_ms();
    this.#now_ms = options.clock.now_ms();
    this.#base = upload.link?.fingerprint ?? null;
  }

  async run(): Promise<UploadResult> {
    let from = this.#upload.link?.next_index ?? 0;
    for (;;) {
      const reading = await this.#read(from);
      if (reading === null) return { kind: 'absent' };
      const { kind } = this.#judge(reading.head).decision;
      if (kind !== 'send') return { kind };
      const step = await this.#step(reading);
      if (step.kind !== 'next') return step;
      from = step.from;
    }
  }

  /** One pass from a segment on. Null when the source has no such session. */
  async #read(from: number): Promise<Reading | null> {
    const { session, signal } = this.#upload;
    if (from === 0) {
      this.#figures = new Figures();
      this.#hold = null;
    }
    let pass: UploadPass | undefined;
    let own_error: unknown = null;
    const passFor = (head: ConversationHead): UploadPass => (pass ??= this.#passFor(head));
    const visit = (segment: ConversationSegment, head: ConversationHead): boolean => {
      try {
        return this.#judge(head).decision.kind === 'send' && passFor(head).visit(segment);
      } catch (error) {
        own_error = error;
        throw error;
      }
    };
    try {
      const reading = await session.source.read(session.native_id, session.archive, visit, signal, from);
      signal.throwIfAborted();
      return reading && { pass: passFor(reading.head), head: reading.head, is_whole: from === 0 };
    } catch (error) {
      if (signal.aborted || (own_error !== null && error === own_error)) throw error;
      if (error instanceof UnreachableError || error instanceof StaleError) throw new SourceBusyError(error);
      throw new SourceFailedError(error);
    }
  }

  #judge(head: ConversationHead): Judgement {
    return (this.#judged ??= this.#upload.judge(head));
  }

  #passFor(head: ConversationHead): UploadPass {
    const { hashing } = this.#options.context;
    const { secret, limits } = this.#options;
    const { link, session } = this.#upload;
    const { masker, decision } = this.#judge(head);
    const hold_ms = decision.kind === 'send' ? decision.hold_ms : 0;
    this.#hold ??= new Hold(hold_ms, this.#now_ms, head, session.since_ms);
    const known = link?.rule_set === masker.id ? link.segments : [];
    this.#difference ??= new Difference(known, hashesOf(link?.segments ?? []));
    const [hold, difference, figures] = [this.#hold, this.#difference, this.#figures];
    return new UploadPass({ hashing, secret, masker, hold, difference, figures, limits });
  }

  /** Puts what a pass found. */
  async #step({ pass, head, is_whole }: Reading): Promise<Step> {
    const is_last = is_whole && pass.next_index === null;
    if (is_last && this.#heldUntil() !== null && this.#isThere(pass.seen)) return this.#done(null, head);
    if (!is_last && pass.sent.length === 0) return { kind: 'next', from: 0 };
    const list = is_last ? pass.seen : (this.#difference?.withSent(pass.sent) ?? []);
    const told = this.#toldOf(head);
    const put = this.#putOf(told.head, list, pass, !is_last);
    const link = this.#linkOf(list, put.fingerprint, { next_index: is_last ? null : (pass.next_index ?? 0), ...told });
    const is_there = put.fingerprint === this.#base && !this.#isInDoubt();
    if (is_last && is_there) return this.#done(this.#unlessEqual(link), head);
    if (this.#puts > 0 && this.#isLate()) return { kind: 'unfinished', link: this.#link };
    const known = this.#link ?? this.#upload.link;
    if (!(await this.#upload.proceed(known && inDoubt(known)))) return { kind: 'unfinished', link: this.#link };
    const { writer, team_id } = this.#options;
    const step = this.#taken(await writer.put(team_id, put, this.#upload.signal), link);
    if (step !== null) return step;
    this.#sent_bytes += pass.bytes;
    return is_last ? this.#done(link, head) : { kind: 'next', from: pass.next_index ?? 0 };
  }

  /** Null: the store took it, and `link` says what it has. */
  #taken(result: PutResult, link: SessionLink): Step | null {
    switch (result.kind) {
      case 'stored':
      case 'already':
        this.#puts++;
        this.#link = link;
        this.#base = link.fingerprint;
        this.#difference?.stored(hashesOf(link.segments));
        return null;
      case 'stale':
        if (++this.#stale >= MOST_STALE) return { kind: 'moving' };
        this.#base = result.fingerprint;
        // First against what it says it has; when that was not the truth, everything is sent.
        this.#difference?.stored(this.#stale === 1 ? result.segment_hashes : []);
        return { kind: 'next', from: 0 };
      case 'foreign':
      case 'erased':
        return { kind: result.kind };
    }
  }

  #putOf(head: ConversationHead, list: readonly LinkedSegment[], pass: UploadPass, partial: boolean): TranscriptPut {
    const { owner, context } = this.#options;
    const { key, session, restores } = this.#upload;
    const { masker, project } = this.#judge(head);
    const told = transcriptHead(context, {
      key,
      archive: session.archive,
      head,
      project,
      masker,
      figures: this.#figures,
      is_held: this.#heldUntil() !== null,
      redactions: (of_head) => totalRedactions(list, of_head),
    });
    const content = { head: told, segment_hashes: hashesOf(list), partial };
    return {
      ...content,
      key,
      base: this.#base,
      fingerprint: fingerprintOf(context.hashing, content),
      owner,
      segments: pass.segments,
      restores: restores ? true : undefined,
    };
  }

  /** Whether the store has just these segments: with messages on hold, what else is new of the session waits with them. */
  #isThere(seen: readonly LinkedSegment[]): boolean {
    if (seen.length === 0) return true;
    const { link } = this.#upload;
    if (this.#puts > 0 || link?.state !== 'stored' || link.next_index !== null) return false;
    return isDeepStrictEqual(hashesOf(seen), hashesOf(link.segments));
  }

  /**
   * The head as it may be told: while messages are on hold, a title and a branch that came up less than the hold ago may
   * come from them.
   */
  #toldOf(head: ConversationHead): { head: ConversationHead; told_head: string } {
    const hash = this.#headHash(head);
    if (this.#heldUntil() === null || this.#mayBeTold(hash)) return { head, told_head: hash };
    return { head: { ...head, title: null, git_branch: null }, told_head: '' };
  }

  #mayBeTold(hash: string): boolean {
    const { link, hold } = this.#upload;
    const is_told = link?.state === 'stored' && link.fingerprint !== null && (link.told_head ?? hash) === hash;
    const { decision } = this.#judged ?? {};
    const hold_ms = decision?.kind === 'send' ? decision.hold_ms : 0;
    return is_told || (hold?.head === hash && hold.head_since_ms + hold_ms <= this.#now_ms);
  }

  #headHash({ title, git_branch }: ConversationHead): string {
    const { context, secret } = this.#options;
    return rawHash(context.hashing, secret, JSON.stringify([title, git_branch]));
  }

  #linkOf(
    segments: readonly LinkedSegment[],
    fingerprint: string,
    { next_index, told_head }: { next_index: number | null; told_head: string },
  ): SessionLink {
    return {
      state: 'stored',
      fingerprint,
      owner: this.#options.owner,
      rule_set: this.#judged?.masker.id ?? '',
      segments,
      next_index,
      gone_since_ms: null,
      told_head,
      stored_ms: this.#now_ms,
    };
  }

  /** Null when the link in the table says the same already. */
  #unlessEqual(link: SessionLink): SessionLink | null {
    const { link: before } = this.#upload;
    if (this.#link !== null || before === null) return link;
    const is_equal = isDeepStrictEqual({ ...link, stored_ms: 0 }, { ...before, stored_ms: 0 });
    return is_equal ? null : link;
  }

  /** It was taken back from there, or so it was tried: what the store has is not known before it took a put. */
  #isInDoubt(): boolean {
    return this.#puts === 0 && this.#upload.link?.state === 'withdrawn';
  }

  #heldUntil(): number | null {
    return this.#hold?.held_until_ms ?? null;
  }

  #isLate(): boolean {
    const spent_ms = this.#options.clock.monotonic_ms() - this.#began_ms;
    return this.#puts >= MOST_PUTS || spent_ms > this.#upload.timeout_ms * SHARE_OF_TIMEOUT;
  }

  #done(link: SessionLink | null, head: ConversationHead): UploadResult {
    const sent = this.#puts > 0;
    const until_ms = this.#heldUntil();
    return {
      kind: 'done',
      link: link ?? this.#link,
      sent,
      sent_bytes: this.#sent_bytes,
      held: until_ms === null ? null : { until_ms, head: this.#headHash(head) },
    };
  }
}
