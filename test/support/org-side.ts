import type { ObjectMapping } from '../../src/records/model/mapping.ts';
import type { RecordChange } from '../../src/records/change.ts';
import { canonicalKey } from '../../src/records/model/canonical-key.ts';
import { readSalesforceRecord, salesforceBody } from '../../src/records/model/salesforce-value.ts';
import type { Document } from '../../src/records/model/value.ts';
import type {
  Found,
  PollPage,
  SalesforceFailure,
  SalesforceResult,
  SalesforceSide,
  SalesforceWrite,
  SidePage,
  SideRecord,
} from '../../src/records/sides.ts';
import { UnreachableError } from '../../src/platform/errors.ts';
import type { CommittedChange } from '../../src/sandbox/salesforce/org/commit.ts';
import { OrgRefusal } from '../../src/sandbox/salesforce/org/refusal.ts';
import type { Row } from '../../src/sandbox/salesforce/org/fields.ts';
import type { Org } from '../../src/sandbox/salesforce/org/org.ts';

/** What goes wrong with one call; `lost`: it was carried out, and no answer came. */
export type OrgFault = 'none' | 'unreachable' | 'lost' | 'throttled';

const CLIENT = 'syncline-test';
const PAGE = 100;

/** Salesforce's side over a simulated organisation in this process: no HTTP, any fault at any call. */
export class OrgSide implements SalesforceSide {
  readonly org: Org;
  /** Asked before each call. */
  fault: (call: 'read' | 'write') => OrgFault = () => 'none';
  /** Fails one record of a write, or null. */
  rowFault: (write: SalesforceWrite) => SalesforceFailure | null = () => null;
  /** Asked while a write is under way: a person edits between our read and our write. */
  beforeWrite: () => void = () => undefined;
  calls = 0;

  constructor(org: Org) {
    this.org = org;
  }

  async identity() {
    return { user_id: this.org.admin_id, client: CLIENT, organization_id: this.org.org_id };
  }

  budget() {
    return null;
  }

  async readKeys(mapping: ObjectMapping, keys: readonly string[]): Promise<Found[]> {
    this.#call('read');
    const records = this.org.rows(mapping.salesforce.object).map((row) => recordOf(mapping, row));
    return keys.map((key) => foundOf(records.filter((record) => record?.key === key)));
  }

  async readIds(mapping: ObjectMapping, ids: readonly string[]): Promise<Found[]> {
    this.#call('read');
    return ids.map((id) => {
      const row = this.#live(mapping.salesforce.object, id);
      return foundOf(row === null ? [] : [recordOf(mapping, row)]);
    });
  }

  async write(mapping: ObjectMapping, writes: readonly SalesforceWrite[]): Promise<SalesforceResult[]> {
    this.calls++;
    this.beforeWrite();
    const fault = this.fault('write');
    if (fault === 'unreachable') return writes.map(() => failed('unknown', 'unreachable'));
    if (fault === 'throttled') return writes.map(() => failed('throttle', 'REQUEST_LIMIT_EXCEEDED'));
    const results = writes.map((write) => this.#writeOne(mapping, write));
    return fault === 'lost' ? writes.map(() => failed('unknown', 'connection_reset')) : results;
  }

  async scan(mapping: ObjectMapping, from: string | null): Promise<SidePage> {
    this.#call('read');
    const rows = this.org
      .rows(mapping.salesforce.object)
      .sort((a, b) => (String(a['Id']) < String(b['Id']) ? -1 : 1))
      .filter((row) => from === null || String(row['Id']) > from);
    const page = rows.slice(0, PAGE);
    const records = page.map((row) => recordOf(mapping, row)).filter((record) => record !== null);
    const unkeyed = page
      .filter((row) => recordOf(mapping, row) === null)
      .map((row) => ({ id: String(row['Id']), document: documentOf(mapping, row) }));
    return { records, unkeyed, next: rows.length > PAGE ? String(page.at(-1)?.['Id']) : null };
  }

  /** By the log of commits: every record that changed, as it is now. */
  async poll(mapping: ObjectMapping, position: string | null): Promise<PollPage> {
    this.#call('read');
    const { object } = mapping.salesforce;
    const after = position === null ? this.org.lastCommit : Number(position);
    const changes = this.org.commitsAfter(after).filter(({ entity }) => entity === object);
    const ids = [...new Set(changes.map(({ record_id }) => record_id))];
    const changed = ids.flatMap((id) => {
      const row = this.#live(object, id);
      const record = row === null ? null : recordOf(mapping, row);
      return record === null ? [] : [{ ...record, changed_by: null }];
    });
    const deleted = ids
      .filter((id) => this.#live(object, id) === null)
      .map((id) => ({ id, deleted_ms: this.org.clock.now_ms() }));
    return { changed, deleted, position: String(this.org.lastCommit), more: false };
  }

  /** The change as a change event tells it, with the key resolved. Null for what no event is about. */
  eventOf(mapping: ObjectMapping, change: CommittedChange): { key: string; change: RecordChange } | null {
    const row = change.after ?? change.before;
    const external_id = row?.[mapping.salesforce.external_id];
    if (change.entity !== mapping.salesforce.object || typeof external_id !== 'string') return null;
    const document = change.after === null ? {} : documentOf(mapping, change.after);
    const names = new Set(change.changed_fields);
    const changed = mapping.fields.filter(({ salesforce }) => names.has(salesforce)).map(({ name }) => name);
    const fields =
      change.kind === 'UPDATE'
        ? Object.fromEntries(Object.entries(document).filter(([name]) => changed.includes(name)))
        : document;
    const operation = { CREATE: 'changed', UPDATE: 'changed', DELETE: 'deleted', UNDELETE: 'undeleted' } as const;
    return {
      key: canonicalKey(mapping, external_id),
      change: {
        side: 'salesforce',
        operation: operation[change.kind],
        fields,
        whole: change.kind === 'CREATE' || change.kind === 'UNDELETE',
        salesforce_id: change.record_id,
        committed_ms: change.commit_ms,
        ours: change.change_origin.includes(`client=${CLIENT}`),
        actor: change.commit_user,
        session: null,
      },
    };
  }

  /** Not one of the recycle bin. */
  #live(object: string, id: string): Row | null {
    const row = this.org.row(object, id);
    return row === null || row['IsDeleted'] === true ? null : row;
  }

  #call(call: 'read' | 'write'): void {
    this.calls++;
    if (this.fault(call) !== 'none') throw new UnreachableError('salesforce.unknown', 'Salesforce does not answer');
  }

  #writeOne(mapping: ObjectMapping, write: SalesforceWrite): SalesforceResult {
    const failure = this.rowFault(write);
    if (failure !== null) return { kind: 'failed', failure };
    const { object, external_id } = mapping.salesforce;
    const { body } = salesforceBody(mapping, write.fields);
    const context = { client: CLIENT };
    try {
      switch (write.operation) {
        case 'upsert':
          return {
            kind: 'done',
            ...this.org.upsert(object, external_id, write.key, body, context),
          };
        case 'update': {
          const id = write.id ?? '';
          this.org.update(object, id, body, context);
          return { kind: 'done', id, created: false };
        }
        case 'delete':
          if (write.id === null || this.#live(object, write.id) === null) return { kind: 'gone' };
          this.org.delete(object, write.id, context);
          return { kind: 'done', id: write.id, created: false };
        case 'undelete':
          this.org.undelete(object, write.id ?? '', context);
          return { kind: 'done', id: write.id ?? '', created: false };
      }
    } catch (error) {
      if (!(error instanceof OrgRefusal)) throw error;
      const is_gone = ['ENTITY_IS_DELETED', 'NOT_FOUND', 'INVALID_CROSS_REFERENCE_KEY'].includes(error.status_code);
      return failed(is_gone ? 'identity' : 'permanent', error.status_code);
    }
  }
}

function failed(kind: SalesforceFailure['class'], code: string): SalesforceResult {
  return { kind: 'failed', failure: { class: kind, code, message: 'It was refused', fields: [], wait_ms: null } };
}

/** The organisation keeps no empty fields; what leaves it tells them as null. */
function readRow(mapping: ObjectMapping, row: Row): ReturnType<typeof readSalesforceRecord> {
  const empty = Object.fromEntries(mapping.fields.map(({ salesforce }) => [salesforce, null]));
  return readSalesforceRecord(mapping, { ...empty, ...row }, { parents: new Map() });
}

function documentOf(mapping: ObjectMapping, row: Row): Document {
  return readRow(mapping, row).document;
}

function recordOf(mapping: ObjectMapping, row: Row): SideRecord | null {
  const external_id = row[mapping.salesforce.external_id];
  if (typeof external_id !== 'string' || external_id === '') return null;
  const modified_ms = Math.floor(Number(row['SystemModstamp']) / 1000) * 1000;
  const { document, problems } = readRow(mapping, row);
  return { key: canonicalKey(mapping, external_id), id: String(row['Id']), document, modified_ms, problems };
}

function foundOf(records: readonly (SideRecord | null)[]): Found {
  const found = records.filter((record) => record !== null);
  if (found.length > 1) return { kind: 'ambiguous', ids: found.map(({ id }) => id) };
  return found[0] === undefined ? { kind: 'missing' } : { kind: 'record', record: found[0] };
}
