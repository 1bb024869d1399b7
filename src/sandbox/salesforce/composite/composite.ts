/** `POST /composite`: up to 25 subrequests, in order, each may use what those before it answered (records.md §12.6). */
import { jsonBody, methodNotAllowed, refusalReply, type ApiReply, type ApiRequest } from '../http/exchange.ts';
import { OrgRefusal } from '../org/refusal.ts';
import type { Transaction } from '../org/transaction.ts';
import type { Call } from '../rest/call.ts';
import {
  haltedReply,
  resolveSubrequest,
  subreplyOf,
  subrequestsOf,
  type Subreply,
  type Subrequest,
} from './subrequest.ts';

const MAX_SUBREQUESTS = 25;
/** Of them collections and queries. */
const MAX_LARGE = 5;

/** Runs one subrequest as its caller. */
export type RunSubrequest = (request: ApiRequest, transaction?: Transaction) => ApiReply;

/** @throws OrgRefusal when the request as a whole is none */
export function composite(call: Call, run: RunSubrequest): ApiReply {
  if (call.method !== 'POST') throw methodNotAllowed(call.method, 'POST');
  const { allOrNone, compositeRequest } = jsonBody(call.request);
  const subrequests = subrequestsOf(compositeRequest);
  if (subrequests.length > MAX_SUBREQUESTS)
    throw new OrgRefusal('INVALID_INPUT', `A composite request has at most ${MAX_SUBREQUESTS} subrequests`);
  if (subrequests.filter(isLarge).length > MAX_LARGE)
    throw new OrgRefusal('INVALID_INPUT', `At most ${MAX_LARGE} subrequests are collections or queries`);
  const compositeResponse =
    allOrNone === true ? runTogether(call, subrequests, run) : runAll(subrequests, (request) => run(request));
  return { status: 200, json: { compositeResponse } };
}

function isLarge({ url }: Subrequest): boolean {
  return /^\/services\/data\/v[\d.]+\/(composite\/sobjects|query)/.test(url);
}

/** Each by itself; only those that need a failed one's answer are not run. */
function runAll(subrequests: readonly Subrequest[], run: (request: ApiRequest) => ApiReply): Subreply[] {
  const replies = new Map<string, Subreply>();
  for (const subrequest of subrequests) replies.set(subrequest.reference_id, runOne(subrequest, replies, run));
  return [...replies.values()];
}

function runOne(
  subrequest: Subrequest,
  replies: ReadonlyMap<string, Subreply>,
  run: (request: ApiRequest) => ApiReply,
): Subreply {
  let request: ApiRequest;
  try {
    request = resolveSubrequest(subrequest, replies);
  } catch (error) {
    if (!(error instanceof OrgRefusal)) throw error;
    return subreplyOf(subrequest.reference_id, refusalReply(error));
  }
  return subreplyOf(subrequest.reference_id, run(request));
}

/** Thrown to undo a transaction whose subrequest failed. */
class Failed extends Error {
  readonly reply: Subreply;

  constructor(reply: Subreply) {
    super('a subrequest failed');
    this.reply = reply;
  }
}

/** All or none, in one transaction: with the first that fails everything is undone and the others say so. */
export function runTogether(call: Call, subrequests: readonly Subrequest[], run: RunSubrequest): Subreply[] {
  try {
    return call.write((transaction) => {
      const replies = new Map<string, Subreply>();
      for (const subrequest of subrequests) {
        const reply = runOne(subrequest, replies, (request) => run(request, transaction));
        if (reply.httpStatusCode >= 300 || hasFailedRow(reply)) throw new Failed(reply);
        replies.set(subrequest.reference_id, reply);
      }
      return [...replies.values()];
    });
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    const { reply } = error;
    return subrequests.map(({ reference_id }) =>
      reference_id === reply.referenceId ? reply : haltedReply(reference_id),
    );
  }
}

/** A collection answers 200 also when a row of it failed. */
function hasFailedRow({ body }: Subreply): boolean {
  return Array.isArray(body) && body.some((row: { success?: boolean } | null) => row?.success === false);
}
