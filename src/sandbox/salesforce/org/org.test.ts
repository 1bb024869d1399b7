import { beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '../../../platform/random.ts';
import type { CommittedChange } from './commit.ts';
import { text, number } from './fields.ts';
import { Org } from './org.ts';
import { MultipleChoices, OrgRefusal } from './refusal.ts';

const START = Date.parse('2026-11-21T12:00:00.700Z');
let now_ms = START;
let org: Org;
let changes: CommittedChange[];

const newOrg = (seed: number): Org =>
  new Org({ clock: { now_ms: () => now_ms, monotonic_ms: () => now_ms }, random: seededRandom(seed) });

beforeEach(() => {
  now_ms = START;
  org = newOrg(1);
  changes = [];
  org.subscribe((committed) => changes.push(...committed));
});

const refusal = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof OrgRefusal) return `${error.http_status} ${error.status_code} [${error.fields.join()}]`;
    throw error;
  }
  return 'taken';
};

describe('records', () => {
  it('have ids of their object, audit fields of a whole second, and defaults', () => {
    const id = org.create('Account', { Name: 'Acme', active__C: true });
    expect(id).toMatch(/^001.{15}$/);
    expect(org.row('Account', id.slice(0, 15))).toEqual({
      Id: id,
      Name: 'Acme',
      IsDeleted: false,
      Active__c: true,
      OwnerId: org.admin_id,
      CreatedDate: START - 700,
      CreatedById: org.admin_id,
      LastModifiedDate: START - 700,
      LastModifiedById: org.admin_id,
      SystemModstamp: START - 700,
    });
  });

  it('are the same for the same seed and others for another', () => {
    const ids = [newOrg(5), newOrg(5), newOrg(6)].map((each) => each.create('Account', { Name: 'A' }));
    expect(ids[0]).toBe(ids[1]);
    expect(ids[0]).not.toBe(ids[2]);
  });

  it('go with their parent, come back with it, and are gone after a purge', () => {
    const account = org.create('Account', { Name: 'A' });
    const kept = org.create('Account', { Name: 'B', ParentId: account });
    const contact = org.create('Contact', { LastName: 'C', AccountId: account });
    changes.length = 0;
    now_ms += 5000;
    org.delete('Account', account);
    expect(changes.map(({ kind, record_id, nulled_fields }) => [kind, record_id, nulled_fields])).toEqual([
      ['DELETE', account, []],
      ['UPDATE', kept, ['ParentId']],
      ['DELETE', contact, []],
    ]);
    expect(org.row('Account', kept)).toMatchObject({ LastModifiedDate: START - 700, SystemModstamp: START + 4300 });
    expect(refusal(() => org.update('Contact', contact, { Title: 'x' }))).toBe('404 ENTITY_IS_DELETED []');
    now_ms += 5000;
    org.undelete('Account', account);
    expect(org.rows('Contact').map(({ Id }) => Id)).toEqual([contact]);
    expect(changes.slice(3).map(({ kind }) => kind)).toEqual(['UNDELETE', 'UNDELETE']);
    org.delete('Contact', contact);
    changes.length = 0;
    org.purge('Contact', contact);
    expect(changes).toEqual([]);
    expect(refusal(() => org.undelete('Contact', contact))).toBe('404 NOT_FOUND []');
  });

  it('are found by external id without case, with case where the field says so, and several are a choice', () => {
    const id = org.create('Account', { Name: 'A', External_Id__c: 'Ab-1', Code__c: 'Ab-1', Legacy_Id__c: 'x' });
    const other = org.create('Account', { Name: 'B', Legacy_Id__c: 'X' });
    expect(org.findByExternalId('Account', 'External_Id__c', 'aB-1')).toBe(id);
    expect(org.findByExternalId('Account', 'Code__c', 'aB-1')).toBeNull();
    expect(() => org.findByExternalId('Account', 'Legacy_Id__c', 'x')).toThrow(MultipleChoices);
    org.delete('Account', other);
    expect(org.findByExternalId('Account', 'Legacy_Id__c', 'x')).toBe(id);
    expect(refusal(() => org.findByExternalId('Account', 'Name', 'A'))).toBe('404 NOT_FOUND []');
    expect(org.upsert('Account', 'Code__c', 'n', { Name: 'C' })).toMatchObject({ created: true });
    expect(org.upsert('Account', 'Code__c', 'n', { Name: 'D' })).toMatchObject({ created: false });
    expect(refusal(() => org.upsert('Account', 'Code__c', 'm', {}, { update_only: true }))).toBe('404 NOT_FOUND []');
  });

  it('refuses what the platform refuses', () => {
    const account = org.create('Account', { Name: 'A', External_Id__c: '1' });
    const of = (entity: string, values: object): string => refusal(() => org.create(entity, { Name: 'N', ...values }));
    expect(of('Account', { Name: null })).toBe('400 REQUIRED_FIELD_MISSING [Name]');
    expect(of('Account', { Name: '' })).toBe('400 REQUIRED_FIELD_MISSING [Name]');
    expect(of('Account', { Nmae: 'x' })).toBe('400 INVALID_FIELD []');
    expect(of('Account', { CreatedDate: '2020-01-01T00:00:00Z' })).toBe(
      '400 INVALID_FIELD_FOR_INSERT_UPDATE [CreatedDate]',
    );
    expect(of('Account', { Name: 'x'.repeat(256) })).toBe('400 STRING_TOO_LONG [Name]');
    expect(of('Account', { Name: 7 })).toBe('400 JSON_PARSER_ERROR []');
    expect(of('Account', { Tier__c: 'Tin' })).toBe('400 INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST [Tier__c]');
    expect(of('Account', { Industry: 'Anything' })).toBe('taken');
    expect(of('Account', { Renewal_Date__c: '2026-02-30' })).toBe('400 JSON_PARSER_ERROR []');
    expect(of('Account', { NumberOfEmployees: 123_456_789 })).toBe(
      '400 NUMBER_OUTSIDE_VALID_RANGE [NumberOfEmployees]',
    );
    expect(of('Account', { External_Id__c: '1' })).toBe('400 DUPLICATE_VALUE []');
    expect(of('Account', { ParentId: org.admin_id })).toBe('400 MALFORMED_ID [ParentId]');
    expect(of('Account', { ParentId: `${account.slice(0, 12)}zzz` })).toBe(
      '400 INVALID_CROSS_REFERENCE_KEY [ParentId]',
    );
    expect(of('Invoice__c', { Account__r: { External_Id__c: 'none' } })).toBe('400 INVALID_FIELD []');
    expect(of('Invoice__c', { Account__c: account, Total__c: 3 })).toBe(
      '400 INVALID_FIELD_FOR_INSERT_UPDATE [Total__c]',
    );
    expect(refusal(() => org.create('Contact', { LastName: 'C', Email: 'at.example' }))).toBe(
      '400 INVALID_EMAIL_ADDRESS [Email]',
    );
    org.addValidationRule('Account', { message: 'No fax', field: 'Fax', fails: (row) => row['Fax'] !== undefined });
    expect(of('Account', { Fax: '1' })).toBe('400 FIELD_CUSTOM_VALIDATION_EXCEPTION [Fax]');
  });

  it('takes parents by external id, rounds to the scale, and lets a child of a master have no other', () => {
    const account = org.create('Account', { Name: 'A', External_Id__c: 'a/1' });
    const values = {
      Account__r: { External_Id__c: 'A/1' },
      Amount__c: 1.005,
      Issued_At__c: '2026-01-01T01:00:00.999+01:00',
    };
    const id = org.create('Invoice__c', { Name: 'I', ...values });
    expect(org.row('Invoice__c', id)).toMatchObject({
      Account__c: account,
      Amount__c: 1.01,
      Issued_At__c: Date.parse('2026-01-01T00:00:00Z'),
      Status__c: 'Draft',
    });
    expect(refusal(() => org.update('Invoice__c', id, { Account__c: account }))).toBe(
      '400 INVALID_FIELD_FOR_INSERT_UPDATE [Account__c]',
    );
  });
});

describe('the commit log', () => {
  it('numbers the changes of a transaction, merges those of one record, and names who and through what', () => {
    const user = org.addUser('sync@sandbox.example');
    changes.length = 0;
    const before = org.lastCommit;
    org.transaction(
      (transaction) => {
        const id = transaction.create('Account', { Name: 'A' });
        transaction.update('Account', id, { Phone: '1' });
        transaction.create('Account', { Name: 'B' });
      },
      { user: 'sync@sandbox.example', client: 'tag', api: 'rest' },
    );
    expect(changes.map(({ sequence_number, kind, after }) => [sequence_number, kind, after?.['Phone']])).toEqual([
      [1, 'CREATE', '1'],
      [2, 'CREATE', undefined],
    ]);
    expect(changes[0]).toMatchObject({
      commit_number: before + 1,
      commit_ms: START,
      commit_user: user,
      change_origin: 'com/salesforce/api/rest/67.0;client=tag',
      transaction_key: changes[1]!.transaction_key,
    });
    expect(org.commitsAfter(before)).toEqual(changes);
    expect(org.commitsAfter(org.lastCommit)).toEqual([]);
  });

  it('says which fields an update changed and which became empty', () => {
    const id = org.create('Account', { Name: 'A', Phone: '1', Fax: '2' });
    now_ms += 1000;
    org.update('Account', id, { Phone: null, Name: 'B', Fax: '2' });
    expect(changes.at(-1)).toMatchObject({
      kind: 'UPDATE',
      changed_fields: ['Name', 'Phone', 'LastModifiedDate'],
      nulled_fields: ['Phone'],
      change_origin: '',
      before: { Name: 'A', Phone: '1' },
      after: { Name: 'B', Fax: '2' },
    });
  });

  it('has nothing of what failed, also of a part that failed alone', () => {
    expect(() =>
      org.transaction((transaction) => {
        transaction.create('Account', { Name: 'A', External_Id__c: '1' });
        transaction.create('Account', {});
      }),
    ).toThrow(OrgRefusal);
    expect([changes, org.rows('Account')]).toEqual([[], []]);
    org.transaction((transaction) => {
      transaction.create('Account', { Name: 'A', External_Id__c: '1' });
      expect(() =>
        transaction.attempt(() => {
          transaction.create('Account', { Name: 'B', External_Id__c: '2' });
          transaction.create('Account', { Name: 'C', External_Id__c: '1' });
        }),
      ).toThrow(OrgRefusal);
    });
    expect(changes.map(({ after }) => after?.['Name'])).toEqual(['A']);
    expect(org.findByExternalId('Account', 'External_Id__c', '2')).toBeNull();
  });

  it('takes as many records in one transaction as there are', () => {
    const count = 20_000;
    org.transaction((transaction) => {
      for (let i = 0; i < count; i++) transaction.create('Account', { Name: `A${i}` });
    });
    expect(changes.at(-1)).toMatchObject({ sequence_number: count });
  });

  it('has nothing of a record that was restored and deleted again', () => {
    const id = org.create('Account', { Name: 'A' });
    org.delete('Account', id);
    changes.length = 0;
    org.transaction((transaction) => {
      transaction.undelete('Account', id);
      transaction.delete('Account', id);
    });
    expect(changes).toEqual([]);
  });

  it('forgets after 72 hours, and is not told of seeded records', () => {
    org.seed('Account', [{ Name: 'A' }]);
    expect(changes).toEqual([]);
    org.create('Account', { Name: 'B' });
    now_ms += 73 * 3_600_000;
    org.create('Account', { Name: 'C' });
    expect(org.commitsAfter(0).map(({ after }) => after?.['Name'])).toEqual(['C']);
  });
});

it('takes fields and objects that are added later', () => {
  const id = org.create('Account', { Name: 'A' });
  org.addFields('Account', [number('Score__c', 4, 1)]);
  org.update('Account', id, { Score__c: 1.25 });
  expect(org.row('Account', id)).toMatchObject({ Name: 'A', Score__c: 1.3 });
  org.define({ name: 'Thing__c', key_prefix: 'a01', fields: [text('Name', 80)] });
  expect(org.create('Thing__c', { Name: 'T' })).toMatch(/^a01/);
});
