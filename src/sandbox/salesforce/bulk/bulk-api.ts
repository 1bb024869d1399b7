/** `/jobs`: Bulk API 2.0. Jobs go on by the clock, looked at before each request, so that a test decides how far they are. */
import type { ApiReply } from '../http/exchange.ts';
import type { Faults } from '../faults/faults.ts';
import type { Org } from '../org/org.ts';
import { notFound } from '../org/refusal.ts';
import type { Call } from '../rest/call.ts';
import type { BulkTimes } from './bulk-times.ts';
import { IngestJobs } from './ingest-jobs.ts';
import { QueryJobs } from './query-jobs.ts';

export class BulkApi {
  readonly #ingest: IngestJobs;
  readonly #query: QueryJobs;

  constructor(org: Org, faults: Faults, times: BulkTimes) {
    this.#ingest = new IngestJobs(org, faults, times);
    this.#query = new QueryJobs(org, times);
  }

  /** @throws OrgRefusal */
  answer(call: Call, [kind, ...rest]: readonly string[]): ApiReply {
    if (kind === 'ingest') return this.#ingest.answer(call, rest);
    if (kind === 'query') return this.#query.answer(call, rest);
    throw notFound();
  }

  /** Moves every job as far as the time allows. */
  advance(): void {
    this.#ingest.advance();
    this.#query.advance();
  }
}
