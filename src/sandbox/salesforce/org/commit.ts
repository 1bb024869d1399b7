import type { Row } from './fields.ts';

export type ChangeKind = 'CREATE' | 'UPDATE' | 'DELETE' | 'UNDELETE';

/** One record's change in a committed transaction: what change events are made of (records.md §12.9). */
export interface CommittedChange {
  /** Of the transaction; later transactions have greater ones. */
  commit_number: number;
  commit_ms: number;
  /** A UUID, the same for all changes of the transaction. */
  transaction_key: string;
  /** From 1 within the transaction. */
  sequence_number: number;
  /** Id of a user. */
  commit_user: string;
  /** `com/salesforce/api/rest/67.0;client=tag`; empty when it came through no API. */
  change_origin: string;
  entity: string;
  record_id: string;
  kind: ChangeKind;
  /** Of an update, the names of the fields whose value differs, those that became empty among them; else empty. */
  changed_fields: string[];
  /** Those of them that became empty. */
  nulled_fields: string[];
  /** Null for a record that was not there or was deleted. */
  before: Row | null;
  after: Row | null;
}

/** Who writes, and through what. */
export interface WriteContext {
  /** Id or name of a user; none: the administrator. */
  user?: string;
  /** The tag of Sforce-Call-Options. Given without `api`, the write counts as one of REST. */
  client?: string;
  /** None: not through an API, as in the browser. */
  api?: 'rest' | 'bulkapi';
  api_version?: string;
  /** What SystemModstamp says when it is not the time of the commit: a transaction that was open for long. */
  stamp_ms?: number;
}

/** Change events of the platform itself live so long (records.md §12.9); the log keeps as much. */
export const COMMIT_RETENTION_MS = 72 * 3_600_000;

const DEFAULT_VERSION = '67.0';

export function changeOriginOf({ api, client, api_version = DEFAULT_VERSION }: WriteContext): string {
  const through = api ?? (client === undefined ? undefined : 'rest');
  if (through === undefined) return '';
  return `com/salesforce/api/${through}/${api_version}${client === undefined ? '' : `;client=${client}`}`;
}
