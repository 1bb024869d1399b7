/** One call of the API: who calls, in which version, and the transaction that its writes belong to. */
import type { ApiRequest } from '../http/exchange.ts';
import type { Session } from '../oauth/sessions.ts';
import type { WriteContext } from '../org/commit.ts';
import type { Org } from '../org/org.ts';
import type { Transaction } from '../org/transaction.ts';

export interface CallOptions {
  org: Org;
  request: ApiRequest;
  session: Session;
  /** `67.0` */
  version: string;
  /** Of Composite and Graph: what all subrequests write in. */
  transaction?: Transaction;
  /** The tag of the caller is kept in change events. */
  keeps_tag: boolean;
}

export class Call {
  readonly org: Org;
  readonly request: ApiRequest;
  readonly session: Session;
  readonly version: string;
  /** `/services/data/v67.0` */
  readonly base: string;
  /** The address after the version: `['sobjects', 'Account', '001…']` */
  readonly path: readonly string[];
  readonly #transaction: Transaction | undefined;
  readonly #keeps_tag: boolean;

  constructor({ org, request, session, version, transaction, keeps_tag }: CallOptions) {
    this.org = org;
    this.request = request;
    this.session = session;
    this.version = version;
    this.base = `/services/data/v${version}`;
    this.path = request.path.slice(3);
    this.#transaction = transaction;
    this.#keeps_tag = keeps_tag;
  }

  get method(): string {
    return this.request.method;
  }

  /** 67 */
  get major(): number {
    return Number(this.version);
  }

  /** Runs writes: as a transaction of their own, or as a part of the one that the call belongs to. */
  write<T>(part: (transaction: Transaction) => T): T {
    const transaction = this.#transaction;
    if (transaction) return transaction.attempt(() => part(transaction));
    return this.org.transaction(part, this.writeContext());
  }

  writeContext(api: 'rest' | 'bulkapi' = 'rest'): WriteContext {
    const client = this.#keeps_tag ? this.tag() : undefined;
    return { user: this.session.user_id, api, api_version: this.version, ...(client === undefined ? {} : { client }) };
  }

  /** Of `Sforce-Call-Options: client=<tag>; defaultNamespace=<ns>`. */
  tag(): string | undefined {
    return /(?:^|[;,])\s*client=([^;,]+)/i.exec(this.request.headers['sforce-call-options'] ?? '')?.[1]?.trim();
  }
}
