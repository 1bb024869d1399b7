import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checkMapping } from './check-mapping.ts';
import { describedColumn, describedField, describedObject, describedTable } from './described.contract.ts';
import { mappingOf } from './generated.contract.ts';
import { parseMapping } from './parse-mapping.ts';
import { proposeMapping } from './propose-mapping.ts';

const source = {
  name: 'accounts',
  file: 'accounts.toml',
  brakes: { max_deletes: 100, max_creates: 1000, max_changes_percent: 20 },
};
const parents = new Map([
  [
    'owners',
    mappingOf([], { name: 'owners', salesforce: { object: 'Owner__c', external_id: 'Ext__c', case_sensitive: false } }),
  ],
]);

it('maps what has the same name, and says of everything else why it is left out', () => {
  const describe = describedObject([
    describedField('Name', 'string'),
    describedField('Annual_Revenue__c', 'currency', { scale: 4 }),
    describedField('OwnerId', 'reference', { referenceTo: ['Owner__c'], relationshipName: 'Owner__r' }),
    describedField('ParentId', 'reference', { referenceTo: ['Account'], relationshipName: 'Parent' }),
    describedField('BillingAddress', 'address'),
    describedField('Fax', 'phone'),
    describedField('Phone', 'phone'),
    describedField('Phone__c', 'phone'),
    describedField('Rating', 'picklist'),
    describedField('Since__c', 'date'),
  ]);
  const table = describedTable([
    describedColumn('sfid', 'varchar', { length: 18 }),
    describedColumn('name', 'text'),
    describedColumn('annual_revenue', 'numeric', { scale: 2 }),
    describedColumn('owner', 'text'),
    describedColumn('parent_id', 'text'),
    describedColumn('phone', 'text'),
    describedColumn('rating', 'int4'),
    describedColumn('since', 'date', { generated: true }),
    describedColumn('note\n', 'text'),
  ]);
  const { toml, missing, fields } = proposeMapping(describe, table, parents);
  expect(toml)
    .toBe(`# Account and public.accounts, proposed by \`syncline records init\`. Review it; docs/records-mapping.md explains each key.
direction = "salesforce_to_postgres"

[salesforce]
object = "Account"
external_id = "Ext__c"
case_sensitive = false

[postgres]
table = "public.accounts"
key = "ext"
salesforce_id = "sfid"

[fields]
name = { salesforce = "Name", kind = "text", length = 80 }
annual_revenue = { salesforce = "Annual_Revenue__c", kind = "decimal", scale = 2 }
owner = { salesforce = "OwnerId", kind = "reference", references = "owners", relationship = "Owner__r.Ext__c" }

# Left out:
# ParentId, parent_id: it refers to Account, which is not mapped by itself
# Phone, Phone__c, phone: these names are alike; name the pair yourself
# Rating, rating: type picklist does not fit a column of type int4
# Since__c, since: the column is generated
# "note\\n": no field of this name
# BillingAddress: type address cannot be mapped
# Fax: no column of this name
`);
  expect([missing, fields]).toEqual([[], 3]);
  expect(parseMapping(toml, source).fields).toHaveLength(3);
});

it('guesses no keys', () => {
  const describe = describedObject([describedField('Name', 'string')]);
  const no_external_id = { ...describe, fields: describe.fields.filter(({ name }) => name !== 'Ext__c') };
  const { missing, toml } = proposeMapping(no_external_id, { name: 'public.accounts', columns: [] }, parents);
  expect(missing.map((sentence) => sentence.split(':')[0])).toEqual([
    'salesforce.external_id',
    'postgres.key',
    'fields',
  ]);
  expect(toml).toContain('# external_id = "…"');
  expect(toml).toContain('# key = "…"');

  const two = describedObject([describedField('Other__c', 'string', { externalId: true, unique: true })]);
  const named = proposeMapping(two, describedTable([]), parents);
  expect(named.toml).toContain('external_id = "Ext__c"');
  const columns = [describedColumn('key', 'text', { unique: true, nullable: false })];
  expect(proposeMapping(two, { name: 'public.accounts', columns }, parents).missing[0]).toContain(
    'salesforce.external_id',
  );
});

it('proposes a file that can be read, and in which a check finds no error of a field', () => {
  const name = fc.constantFrom('a', 'B', 'c d', 'E__c', 'e', 'constructor', '"', '#x', 'ä', 'f_', 'sfid');
  const remote = fc
    .record({
      name: fc.constantFrom('A', 'B__c', 'CD', 'E', 'E__c', 'constructor', 'X', 'F'),
      type: fc.constantFrom(
        'string',
        'double',
        'picklist',
        'multipicklist',
        'boolean',
        'date',
        'datetime',
        'reference',
        'address',
      ),
      scale: fc.constantFrom(0, 2),
      length: fc.constantFrom(0, 80),
    })
    .map(({ name: called, type, ...rest }) => describedField(called, type, rest));
  const column = fc
    .record({
      name,
      type: fc.constantFrom('text', 'varchar', 'numeric', 'int4', 'bool', 'date', 'timestamptz', '_text', 'jsonb'),
      generated: fc.boolean(),
      scale: fc.constantFrom(null, 1),
    })
    .map(({ name: called, type, ...rest }) => describedColumn(called, type, rest));
  const byName = { selector: ({ name: called }: { name: string }) => called };
  fc.assert(
    fc.property(fc.uniqueArray(remote, byName), fc.uniqueArray(column, byName), (remotes, columns) => {
      const [describe, table] = [describedObject(remotes), describedTable(columns)];
      const { toml, missing, fields } = proposeMapping(describe, table, parents);
      if (missing.length > 0) return;
      const mapping = parseMapping(toml, source);
      expect(mapping.fields).toHaveLength(fields);
      const errors = checkMapping(mapping, describe, table, parents).filter(({ severity }) => severity === 'error');
      expect(errors).toEqual([]);
    }),
  );
});
