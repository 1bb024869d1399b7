import { z } from 'zod';
import { HttpExchange, type ExchangeOptions, type RawReply } from '../../engine/http/exchange.ts';
import { readReply } from '../../engine/http/reply.ts';
import type { Unanswered } from '../../engine/ordered/destination.ts';
import { StoreReplyError } from '../store/store-reply-error.ts';
import type { TranscriptWriter } from '../store/session-store.ts';
import type { PutResult, SourceGone, TranscriptPut, TranscriptState } from '../store/transcript.ts';
import { goneRequest, putRequest, removeRequest, stateRequest, type TranscriptRequest } from './transcript-request.ts';

/** A stale answer lists the hashes of all segments: 100,000 of them fit. */
const MAX_REPLY_BYTES = 4 * 1024 * 1024;

const segmentHashes = z.array(z.tuple([z.int().min(0), z.string().max(64)]));
const stale = z.object({
  code: z.literal('stale'),
  fingerprint: z.string().max(64).nullable(),
  segment_hashes: segmentHashes,
});
const foreign = z.object({ code: z.literal('foreign_owner'), owner: z.string().max(1_024) });
const stored = z.object({ result: z.enum(['stored', 'already']) });
const state = z.object({
  fingerprint: z.string().max(64),
  owner: z.string().max(1_024),
  segment_hashes: segmentHashes,
});
const configuration = z.object({ transcript_store: z.string().max(64).nullish() });
const removal = z.object({ result: z.enum(['removed', 'absent']) });

export type HttpWriterOptions = Omit<ExchangeOptions, 'max_reply_bytes'> & { version: string };

/**
 * The transcripts of a team server over `/v1/transcripts/{key}`. What the server says of the key is a result; every other
 * answer, and none, is thrown as StoreReplyError for the classifier.
 */
export class HttpTranscriptWriter implements TranscriptWriter {
  readonly #exchange: HttpExchange;
  readonly #headers: Readonly<Record<string, string>>;

  /** @throws UsageError `destination.url`, `destination.insecure`, `destination.token` */
  constructor({ version, ...options }: HttpWriterOptions) {
    this.#exchange = new HttpExchange({ ...options, max_reply_bytes: MAX_REPLY_BYTES });
    this.#headers = { 'x-syncline-client': `syncline/${version}` };
  }

  async put(team_id: string, put: TranscriptPut, signal: AbortSignal = NEVER): Promise<PutResult> {
    return putResult(await this.#ask(putRequest(team_id, put), signal));
  }

  async markGone(team_id: string, gone: SourceGone, signal: AbortSignal = NEVER): Promise<PutResult> {
    return putResult(await this.#ask(goneRequest(team_id, gone), signal));
  }

  async state(team_id: string, key: string, signal: AbortSignal = NEVER): Promise<TranscriptState | null> {
    const reply = await this.#ask(stateRequest(team_id, key), signal);
    if (reply.status === 404 && codeOf(reply) === 'transcript_unknown') return null;
    if (reply.status !== 200) throw refused(reply);
    return understood(reply, state, jsonOf(reply));
  }

  /** Which store the server has; null: it is too old to say, or keeps no conversations. @throws StoreReplyError */
  async identity(signal: AbortSignal = NEVER): Promise<string | null> {
    const reply = await this.#ask({ method: 'GET', path: '/v1/config' }, signal);
    if (reply.status !== 200) throw refused(reply);
    return understood(reply, configuration, jsonOf(reply)).transcript_store ?? null;
  }

  async remove(
    team_id: string,
    key: string,
    _owner: string,
    reason: 'unshared' | 'erased',
    signal: AbortSignal = NEVER,
  ): Promise<'removed' | 'absent' | 'foreign'> {
    const reply = await this.#ask(removeRequest(team_id, key, reason), signal);
    if (reply.status === 409 && codeOf(reply) === 'foreign_owner') return 'foreign';
    if (reply.status !== 200) throw refused(reply);
    return understood(reply, removal, jsonOf(reply)).result;
  }

  close(): Promise<void> {
    return this.#exchange.close();
  }

  #ask(request: TranscriptRequest, signal: AbortSignal): Promise<RawReply | Unanswered> {
    return this.#exchange.request({ ...request, headers: this.#headers }, signal);
  }
}

const NEVER = new AbortController().signal;

function putResult(reply: RawReply | Unanswered): PutResult {
  const said = jsonOf(reply);
  if (reply.status === 200) return { kind: understood(reply, stored, said).result };
  if (reply.status === 410) return { kind: 'erased' };
  if (reply.status !== 409) throw refused(reply);
  const moved = stale.safeParse(said);
  if (moved.success)
    return { kind: 'stale', fingerprint: moved.data.fingerprint, segment_hashes: moved.data.segment_hashes };
  return { kind: 'foreign', owner: understood(reply, foreign, said).owner };
}

function refused(reply: RawReply | Unanswered): StoreReplyError {
  return new StoreReplyError(reply.status === null ? reply : readReply(reply.status, reply.retry_after, reply.body));
}

/** An answer whose status promises a result but whose body is none comes from something that is no server of ours. */
function understood<T>(reply: RawReply | Unanswered, schema: z.ZodType<T>, said: unknown): T {
  const parsed = schema.safeParse(said);
  if (parsed.success) return parsed.data;
  const message = 'the answer is not that of a Syncline server';
  throw new StoreReplyError({ status: 502, code: 'reply', message: `${message} (status ${String(reply.status)})` });
}

function codeOf(reply: RawReply | Unanswered): string | undefined {
  const said = z.object({ code: z.string() }).safeParse(jsonOf(reply));
  return said.success ? said.data.code : undefined;
}

function jsonOf(reply: RawReply | Unanswered): unknown {
  if (reply.status === null) return undefined;
  try {
    return JSON.parse(reply.body);
  } catch {
    // A proxy's page: the schema says so.
    return undefined;
  }
}
