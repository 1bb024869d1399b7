import { expect, it, test } from 'vitest';
import { UsageError } from '../../platform/errors.ts';
import { checkReferences, formatMappingProblem, inspectMapping, parseMapping } from './parse-mapping.ts';

const source = {
  name: 'accounts',
  file: 'accounts.toml',
  brakes: { max_deletes: 100, max_creates: 1000, max_changes_percent: 20 },
};

const HEAD = `[salesforce]
object = "Account"
external_id = "Ext__c"

[postgres]
table = "public.accounts"
key = "ext_id"

`;
const FILE = `${HEAD}[fields]
name = { salesforce = "Name", kind = "text" }
`;

function problems(text: string): string[] {
  return inspectMapping(text, source).problems.map((problem) => formatMappingProblem(problem, source.file));
}

it('reads the smallest file, with the safe defaults', () => {
  expect(parseMapping(FILE, source)).toEqual({
    name: 'accounts',
    version: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
    salesforce: { object: 'Account', external_id: 'Ext__c', case_sensitive: false },
    postgres: { table: 'public.accounts', key: 'ext_id', salesforce_id: null },
    direction: 'salesforce_to_postgres',
    policy: 'manual',
    deletes: 'propagate',
    natural_keys: [],
    brakes: source.brakes,
    fields: [
      {
        name: 'name',
        salesforce: 'Name',
        postgres: 'name',
        kind: 'text',
        direction: 'salesforce_to_postgres',
        owner: 'salesforce',
        references: null,
        relationship: null,
        length: null,
        scale: null,
      },
    ],
  });
});

it('reads everything that can be said', () => {
  const mapping = parseMapping(
    `direction = "both"
policy = "newest_wins"
deletes = "ignore"
natural_keys = [["name"], ["name", "phone"]]
[salesforce]
object = "Contact"
external_id = "Ext__c"
case_sensitive = true
[postgres]
table = "crm.contacts"
key = "ext id"
salesforce_id = "sfid"
[brakes]
max_deletes = 5
[fields]
name = { salesforce = "Name", kind = "text", length = 80 }
phone = { salesforce = "Phone", postgres = "phone_number", kind = "text", owner = "postgres" }
score = { salesforce = "Score__c", kind = "decimal", scale = 2, direction = "postgres_to_salesforce" }
account = { salesforce = "AccountId", kind = "reference", references = "accounts", relationship = "Account.Ext__c" }
`,
    source,
  );
  expect(mapping.brakes).toEqual({ max_deletes: 5, max_creates: 1000, max_changes_percent: 20 });
  expect(mapping.fields.map(({ name, owner }) => `${name} ${owner}`)).toEqual([
    'account shared',
    'name shared',
    'phone postgres',
    'score postgres',
  ]);
  expect(mapping.fields[0]?.relationship).toEqual({ name: 'Account', external_id: 'Ext__c' });
});

it('has one version for files that say the same, and another when something else would be written', () => {
  const version = (text: string) => parseMapping(text, source).version;
  const reordered = FILE.replace('kind = "text"', 'kind = "text", direction = "salesforce_to_postgres"');
  expect(version(`# a comment\n${reordered}`)).toBe(version(FILE));
  expect(version(`${FILE}\n[brakes]\nmax_deletes = 1\n`)).toBe(version(FILE));
  for (const changed of [
    FILE.replace('kind = "text"', 'kind = "picklist"'),
    FILE.replace('"Name"', '"Name__c"'),
    FILE.replace('public.', 'crm.'),
    `deletes = "ignore"\n${FILE}`,
    `${FILE}phone = { salesforce = "Phone", kind = "text" }\n`,
  ])
    expect(version(changed)).not.toBe(version(FILE));
});

test.each<[string, string, string]>([
  ['no TOML', 'a = = 1', '1:5: not valid TOML'],
  ['an unknown key', `polcy = "manual"\n${FILE}`, '1:1: unknown key polcy; did you mean policy?'],
  [
    'an unknown key of a field',
    FILE.replace('kind =', 'lenght = 5, kind ='),
    '10:31: unknown key fields.name.lenght; did you mean length?',
  ],
  ['a wrong word', `policy = "manul"\n${FILE}`, '1:1: policy must be "manual" or'],
  ['… and what was meant', `policy = "manul"\n${FILE}`, 'did you mean "manual"?'],
  ['a missing table', '[fields]\n', ': salesforce is missing; it must be a table'],
  [
    'a missing key',
    FILE.replace('key = "ext_id"\n', ''),
    '5:1: postgres.key is missing; it must be the name of a column',
  ],
  ['a table without schema', FILE.replace('public.', ''), '6:1: postgres.table must be a schema and a table'],
  [
    'a quoted name',
    FILE.replace('Ext__c', 'Ext c; --'),
    '3:1: salesforce.external_id must be a name of the Salesforce API',
  ],
  [
    'a name of a field that every object has',
    `${FILE}constructor = { salesforce = "C", kind = "text" }`,
    '11:1: fields.constructor must be named with letters',
  ],
  ['no fields', `${HEAD}[fields]\n`, '9:1: fields must have at least one entry'],
  [
    'Id as key both ways',
    `direction = "both"\n${FILE.replace('Ext__c', 'Id')}`,
    '4:1: salesforce.external_id can be Id only with',
  ],
  ['the key as a field', FILE.replace('name =', 'ext_id ='), ': fields.ext_id.postgres is the key of the table'],
  ['the external id as a field', FILE.replace('"Name"', '"Ext__c"'), ': fields.name.salesforce is the external id'],
  [
    'Id as a field',
    FILE.replace('"Name"', '"Id"'),
    ': fields.name.salesforce is Id; name its column as postgres.salesforce_id',
  ],
  [
    'a column twice',
    `${FILE}b = { salesforce = "B", postgres = "name", kind = "text" }`,
    '11:25: fields.b.postgres is mapped already, by fields.name',
  ],
  [
    'a Salesforce field twice',
    `${FILE}b = { salesforce = "name", kind = "text" }`,
    '11:7: fields.b.salesforce is mapped already',
  ],
  [
    'a field against the object',
    FILE.replace('kind =', 'direction = "both", kind ='),
    'fields.name.direction goes against direction = "salesforce_to_postgres"',
  ],
  [
    'an owner that never speaks',
    FILE.replace('kind =', 'owner = "postgres", kind ='),
    'fields.name.owner must be "salesforce" or left out',
  ],
  ['a reference to nowhere', FILE.replace('"text"', '"reference"'), 'fields.name.references is missing'],
  [
    'a reference that is none',
    FILE.replace('"text"', '"text", references = "accounts"'),
    'fields.name.references is only for kind',
  ],
  ['a length of a number', FILE.replace('"text"', '"integer", length = 3'), 'fields.name.length is only for'],
  ['a scale of a text', FILE.replace('"text"', '"text", scale = 3'), 'fields.name.scale is only for'],
  [
    'a natural key of no field',
    `natural_keys = [["nme"]]\n${FILE}`,
    '1:18: natural_keys[0] names nme, which is no field',
  ],
  ['a natural key twice', `natural_keys = [["name", "name"]]\n${FILE}`, 'natural_keys[0] names name twice'],
  ['an empty natural key', `natural_keys = [[]]\n${FILE}`, '1:17: natural_keys[0] must be a list of lists'],
  [
    'the id written over the key',
    FILE.replace('key = "ext_id"', 'key = "ext_id"\nsalesforce_id = "ext_id"'),
    'postgres.salesforce_id must be another column',
  ],
])('refuses %s', (_, text, message) => {
  expect(problems(text).join('\n')).toContain(message);
});

it('throws all of them at once, and repeats no value', () => {
  const bad = FILE.replace('"Account"', '"secret value"').replace('"text"', '"secret"');
  const parseBad = () => parseMapping(bad, source);
  expect(parseBad).toThrow(UsageError);
  expect(parseBad).toThrow(
    /accounts\.toml:2:1: salesforce\.object must be[^]*accounts\.toml:10:\d+: fields\.name\.kind must be/,
  );
  expect(problems(bad).join()).not.toContain('secret');
});

it('folds no case of Salesforce ids', () => {
  expect(parseMapping(FILE.replace('Ext__c', 'Id'), source).salesforce.case_sensitive).toBe(true);
});

it('checks references between mappings', () => {
  const parent = parseMapping(FILE, source);
  const child = (references: string, relationship: string) =>
    parseMapping(
      FILE.replace(
        'kind = "text"',
        `kind = "reference", references = "${references}", relationship = "${relationship}"`,
      ),
      { ...source, name: 'contacts' },
    );
  expect(checkReferences([parent, child('accounts', 'Account.Ext__c')])).toEqual([]);
  expect(checkReferences([parent, child('account', 'Account.Ext__c')])).toEqual([
    'contacts: fields.name.references names no mapping of the configuration; did you mean "accounts"?',
  ]);
  expect(checkReferences([parent, child('accounts', 'Account.Other__c')])).toEqual([
    'contacts: fields.name.relationship must end in .Ext__c, the external id of the mapping accounts',
  ]);
});
