/**
 * A first mapping file for `records init`, from what both sides are: fields and columns whose names are the same once spelling is set
 * aside. Nothing is guessed; what is left out stands in the file as a comment with the reason. Towards PostgreSQL only (R16).
 */
import { tellsCase, type FieldDescribe, type ObjectDescribe } from './describe.ts';
import { kindsOfColumn, kindsOfSalesforce } from './kinds-of-types.ts';
import { isFieldName } from './mapping-file.ts';
import type { Parents } from './read-value.ts';
import type { ColumnDescription, TableDescription } from './table-description.ts';
import type { FieldKind } from './value.ts';

export interface ProposedMapping {
  /** The file, to be reviewed. It is complete unless `missing` says otherwise. */
  readonly toml: string;
  /** What somebody must fill in before the file is a mapping, as sentences. */
  readonly missing: readonly string[];
  /** How many fields are mapped. */
  readonly fields: number;
}

/** `parents`: the mappings that there are already; a reference is proposed only to one of them. */
export function proposeMapping(describe: ObjectDescribe, table: TableDescription, parents: Parents): ProposedMapping {
  const keys = proposeKeys(describe, table);
  const taken = { field: keys.external_id?.name, columns: [keys.key?.name, keys.salesforce_id?.name] };
  const columns = table.columns.filter(({ name }) => !taken.columns.includes(name));
  const remotes = describe.fields.filter(({ name }) => name !== 'Id' && name !== taken.field);
  const proposals = matchNames(remotes, columns).map((match) => proposeField(match, parents));
  const mapped = proposals.flatMap(({ line }) => (line === null ? [] : [line]));
  const left_out = proposals.flatMap(({ left_out: reason }) => (reason === null ? [] : [reason]));
  const lines = [
    `# ${describe.name} and ${plain(table.name)}, proposed by \`syncline records init\`. Review it; docs/records-mapping.md explains each key.`,
    'direction = "salesforce_to_postgres"',
    '',
    '[salesforce]',
    `object = ${quoted(describe.name)}`,
    ...externalIdLines(keys.external_id),
    '',
    '[postgres]',
    `table = ${quoted(table.name)}`,
    keys.key === null ? '# key = "…"' : `key = ${quoted(keys.key.name)}`,
    ...(keys.salesforce_id === null ? [] : [`salesforce_id = ${quoted(keys.salesforce_id.name)}`]),
    '',
    '[fields]',
    ...mapped,
    ...(left_out.length === 0 ? [] : ['', '# Left out:', ...left_out.map((reason) => `# ${reason}`)]),
  ];
  return { toml: `${lines.join('\n')}\n`, missing: missingOf(keys, mapped.length), fields: mapped.length };
}

interface Keys {
  external_id: FieldDescribe | null;
  key: ColumnDescription | null;
  salesforce_id: ColumnDescription | null;
}

/** By name where a name fits both; else the only candidate of a side. */
function proposeKeys({ fields }: ObjectDescribe, { columns }: TableDescription): Keys {
  const external_ids = fields.filter(({ externalId, unique }) => externalId && unique);
  const keys = columns.filter((column) => column.unique && !column.nullable && !column.generated && isKeyType(column));
  const named = external_ids.flatMap((field) =>
    keys.filter((column) => normalised(column.name) === normalised(field.name)).map((column) => ({ field, column })),
  );
  const same = only(named);
  const salesforce_id = only(columns.filter((column) => isSalesforceIdColumn(column)));
  return { external_id: same?.field ?? only(external_ids), key: same?.column ?? only(keys), salesforce_id };
}

function isKeyType({ type }: ColumnDescription): boolean {
  return ['text', 'varchar', 'citext'].includes(type);
}

function isSalesforceIdColumn({ name, type, length, nullable, generated }: ColumnDescription): boolean {
  const fits = ['text', 'varchar'].includes(type) && (length === null || length >= 18);
  return ['sfid', 'salesforceid'].includes(normalised(name)) && fits && nullable && !generated;
}

function externalIdLines(field: FieldDescribe | null): string[] {
  if (field === null) return ['# external_id = "…"'];
  return [`external_id = ${quoted(field.name)}`, `case_sensitive = ${tellsCase(field)}`];
}

function missingOf({ external_id, key }: Keys, fields: number): string[] {
  const missing: string[] = [];
  if (external_id === null)
    missing.push('salesforce.external_id: mark one text field as External ID and Unique in Salesforce, and name it');
  if (key === null) missing.push('postgres.key: name the text column, unique and NOT NULL, that holds the external id');
  if (fields === 0) missing.push('fields: no field and column have the same name; name at least one pair');
  return missing;
}

interface Match {
  remotes: FieldDescribe[];
  columns: ColumnDescription[];
}

/** Fields and columns by their common names; what has no counterpart comes alone. */
function matchNames(remotes: readonly FieldDescribe[], columns: readonly ColumnDescription[]): Match[] {
  const by_name = new Map<string, Match>();
  const at = (name: string): Match => {
    const match = by_name.get(name) ?? { remotes: [], columns: [] };
    by_name.set(name, match);
    return match;
  };
  for (const column of columns) at(normalised(column.name)).columns.push(column);
  for (const remote of remotes) {
    const name = normalised(remote.name);
    // `AccountId` is told by a column `account_id` or `account`.
    const short = remote.type === 'reference' && !by_name.has(name) ? name.replace(/id$/, '') : name;
    at(by_name.has(short) ? short : name).remotes.push(remote);
  }
  return [...by_name.values()];
}

interface Proposal {
  line: string | null;
  left_out: string | null;
}

function proposeField({ remotes, columns }: Match, parents: Parents): Proposal {
  const leaveOut = (reason: string): Proposal => ({
    line: null,
    left_out: `${[...remotes, ...columns].map(({ name }) => plain(name)).join(', ')}: ${reason}`,
  });
  const [remote, ...other_remotes] = remotes;
  const [column, ...other_columns] = columns;
  if (remote === undefined) return leaveOut('no field of this name');
  if (column === undefined)
    return leaveOut(
      kindsOfSalesforce(remote).length === 0 ? `type ${remote.type} cannot be mapped` : 'no column of this name',
    );
  if (other_remotes.length > 0 || other_columns.length > 0)
    return leaveOut('these names are alike; name the pair yourself');
  if (column.generated) return leaveOut('the column is generated');
  const kind = kindsOfSalesforce(remote).find((one) => kindsOfColumn(column).includes(one));
  if (kind === undefined) return leaveOut(`type ${remote.type} does not fit a column of type ${plain(column.type)}`);
  const reference = kind === 'reference' ? referenceOf(remote, parents) : '';
  if (reference === null)
    return leaveOut(`it refers to ${remote.referenceTo.join(', ') || 'nothing'}, which is not mapped by itself`);
  return { line: lineOf(remote, column, kind, reference), left_out: null };
}

function lineOf(remote: FieldDescribe, column: ColumnDescription, kind: FieldKind, reference: string): string {
  const name = isFieldName(column.name) ? column.name : `field_${normalised(column.name).slice(0, 50)}`;
  const postgres = name === column.name ? '' : `, postgres = ${quoted(column.name)}`;
  const has_length = ['text', 'picklist', 'multipicklist'].includes(kind) && remote.length > 0;
  const length = has_length ? `, length = ${remote.length}` : '';
  const scale = kind === 'decimal' ? `, scale = ${Math.min(remote.scale, column.scale ?? remote.scale)}` : '';
  return `${name} = { salesforce = ${quoted(remote.name)}${postgres}, kind = "${kind}"${length}${scale}${reference} }`;
}

function referenceOf({ referenceTo, relationshipName }: FieldDescribe, parents: Parents): string | null {
  const [object] = referenceTo;
  if (referenceTo.length !== 1 || relationshipName === null) return null;
  const parent = [...parents.values()].find(({ salesforce }) => salesforce.object === object);
  if (parent === undefined) return null;
  const relationship = `${relationshipName}.${parent.salesforce.external_id}`;
  return `, references = ${quoted(parent.name)}, relationship = ${quoted(relationship)}`;
}

/** `External_Id__c`, `external_id` and `ExternalID` are one name. */
function normalised(name: string): string {
  return name
    .replace(/__c$/i, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
}

function only<Item>(items: readonly Item[]): Item | null {
  return items.length === 1 ? (items[0] ?? null) : null;
}

/** JSON's strings are TOML's, except that TOML wants U+007F escaped. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll('\x7f', '\\u007F');
}

/** For a comment: a name that could end it stands in quotes. */
function plain(name: string): string {
  return /^[\w.]+$/.test(name) ? name : quoted(name);
}
