import { beforeAll, expect, test } from 'vitest';
import { seededRandom } from '../../../platform/random.ts';
import { Org } from '../org/org.ts';
import type { OrgRefusal } from '../org/refusal.ts';
import { findRows } from './find-rows.ts';
import { parseSoql } from './parse.ts';
import { recordRenderer } from './render.ts';

const START = Date.parse('2026-11-21T12:00:00Z');
let now_ms = START;
const org = new Org({ clock: { now_ms: () => now_ms, monotonic_ms: () => now_ms }, random: seededRandom(1) });
let ids: string[];

beforeAll(() => {
  const rows = [
    { Name: 'Acme', External_Id__c: 'E1', Code__c: 'a', AnnualRevenue: 10, Renewal_Date__c: '2026-01-01' },
    { Name: "O'Hara 10%", External_Id__c: 'E2', Code__c: 'A', AnnualRevenue: 20, Active__c: true },
    { Name: 'beta', External_Id__c: 'E3', AnnualRevenue: 30 },
    { Name: 'Gone', External_Id__c: 'E4' },
  ];
  ids = rows.map((row) => {
    now_ms += 1000;
    return org.create('Account', row);
  });
  org.delete('Account', ids[3]!);
  org.update('Account', ids[2]!, { ParentId: ids[0] });
  org.create('Contact', { LastName: 'Lee', FirstName: 'Ann', AccountId: ids[0] });
  org.create('Contact', { LastName: 'Poe' });
});

const names = (query: string, all = false): unknown[] =>
  findRows(org, parseSoql(query), all).map((row) => row['Name'] ?? row['LastName']);

test.each([
  ['', ['Acme', "O'Hara 10%", 'beta']],
  ["WHERE Name = 'ACME'", ['Acme']],
  ["WHERE Name != 'acme'", ["O'Hara 10%", 'beta']],
  ["WHERE Code__c = 'A'", ["O'Hara 10%"]],
  ["WHERE External_Id__c IN ('e1','e3')", ['Acme', 'beta']],
  ["WHERE External_Id__c NOT IN ('e1','e3')", ["O'Hara 10%"]],
  ["WHERE Name LIKE '%10\\%'", ["O'Hara 10%"]],
  ["WHERE Name LIKE '_eta'", ['beta']],
  ["WHERE Name LIKE 'a.me'", []],
  ["WHERE Name = 'O\\'Hara 10%'", ["O'Hara 10%"]],
  ['WHERE AnnualRevenue > 10 AND (AnnualRevenue < 30 OR ParentId != null)', ["O'Hara 10%", 'beta']],
  ["WHERE NOT (Name = 'acme')", ["O'Hara 10%", 'beta']],
  ['WHERE Active__c = true', ["O'Hara 10%"]],
  ['WHERE Renewal_Date__c = 2026-01-01', ['Acme']],
  ['WHERE Renewal_Date__c = null', ["O'Hara 10%", 'beta']],
  ['WHERE SystemModstamp >= 2026-11-21T12:00:02Z ORDER BY SystemModstamp, Id', ["O'Hara 10%", 'beta']],
  ['WHERE SystemModstamp > 2026-11-21T12:00:02+00:00', ['beta']],
  ['WHERE CreatedDate < 2026-11-21T13:00:02+01:00', ['Acme']],
  ["WHERE Parent.Name = 'acme'", ['beta']],
  ["WHERE Account.Name = 'acme'", ['Acme']],
  ['ORDER BY Name', ['Acme', 'beta', "O'Hara 10%"]],
  ['ORDER BY AnnualRevenue DESC LIMIT 2', ['beta', "O'Hara 10%"]],
  ['ORDER BY ParentId NULLS LAST, Name DESC', ['beta', "O'Hara 10%", 'Acme']],
  ['ORDER BY SystemModstamp LIMIT 1 OFFSET 1', ["O'Hara 10%"]],
  ['LIMIT 0', []],
])('SELECT Id FROM Account %s', (rest, expected) => {
  expect(names(`SELECT Id FROM Account ${rest}`)).toEqual(expected);
});

test('those of the recycle bin are found when all rows are asked for', () => {
  expect(names('SELECT Id FROM Account WHERE IsDeleted = true', true)).toEqual(['Gone']);
  expect(names("SELECT Id FROM Account WHERE External_Id__c = 'E4' ALL ROWS")).toEqual(['Gone']);
  expect(names("SELECT Id FROM Account WHERE External_Id__c = 'E4'")).toEqual([]);
  expect(names(`SELECT Id FROM Account WHERE Id = '${ids[3]!.slice(0, 15)}'`, true)).toEqual(['Gone']);
});

test.each([
  ["SELECT Id FROM Account WHERE CreatedDate > '2026-01-01T00:00:00Z'", 'INVALID_FIELD'],
  ['SELECT Id FROM Account WHERE Nope = 1', 'INVALID_FIELD'],
  ['SELECT Id FROM Account WHERE Nope.Name = null', 'INVALID_FIELD'],
  ["SELECT Id FROM Account WHERE Description = 'x'", 'INVALID_FIELD'],
  ["SELECT Id FROM Account WHERE Id = 'x'", 'INVALID_QUERY_FILTER_OPERATOR'],
  ['SELECT Id FROM Account WHERE Name = 5', 'INVALID_FIELD'],
  ['SELECT Id FROM Account ORDER BY Nope', 'INVALID_FIELD'],
])('%s is refused with %s', (query, code) => {
  expect(() => names(query)).toThrow(expect.objectContaining({ status_code: code }) as OrgRefusal);
});

test('a record has what was selected, parents nested, datetimes with a zone', () => {
  const contact = org.table('Contact').definition;
  const paths = [['Name'], ['account', 'Name'], ['Account', 'Parent', 'Name'], ['CreatedDate'], ['MailingAddress']];
  const render = recordRenderer(org, contact, paths, '/services/data/v67.0');
  const [first, second] = org.rows('Contact').map(render);
  expect(first).toEqual({
    attributes: {
      type: 'Contact',
      url: expect.stringMatching(/^\/services\/data\/v67.0\/sobjects\/Contact\/003/) as string,
    },
    Name: 'Ann Lee',
    CreatedDate: '2026-11-21T12:00:04.000+0000',
    MailingAddress: null,
    Account: {
      attributes: { type: 'Account', url: `/services/data/v67.0/sobjects/Account/${ids[0]}` },
      Name: 'Acme',
      Parent: null,
    },
  });
  expect(second).toMatchObject({ Name: 'Poe', Account: null });
});
