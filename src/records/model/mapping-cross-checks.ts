/** What must hold between the keys of a mapping file that are right each for itself. */
import type { KeyPath } from '../../platform/toml-positions.ts';
import type { FieldEntry, MappingFile } from './mapping-file.ts';

type Found = [KeyPath, string];

/** Every contradiction, with the key to change. */
export function crossChecks(file: MappingFile): Found[] {
  const fields = Object.entries(file.fields);
  return [
    ...checkKey(file),
    ...(fields.length === 0 ? [[['fields'], 'fields must have at least one entry'] satisfies Found] : []),
    ...fields.flatMap(([name, entry]) => checkField(name, entry, file)),
    ...duplicates(fields, 'postgres', ([name, entry]) => entry.postgres ?? name),
    ...duplicates(fields, 'salesforce', ([, entry]) => entry.salesforce.toLowerCase()),
    ...checkNaturalKeys(file),
  ];
}

function checkKey({ salesforce, postgres, direction }: MappingFile): Found[] {
  const found: Found[] = [];
  if (salesforce.external_id === 'Id' && direction !== 'salesforce_to_postgres')
    found.push([
      ['salesforce', 'external_id'],
      'salesforce.external_id can be Id only with direction = "salesforce_to_postgres": a record that is made in PostgreSQL has no Id; use a custom external id field',
    ]);
  if (postgres.salesforce_id === postgres.key)
    found.push([['postgres', 'salesforce_id'], 'postgres.salesforce_id must be another column than postgres.key']);
  return found;
}

function checkField(name: string, entry: FieldEntry, file: MappingFile): Found[] {
  const found: Found[] = [];
  const add = (key: string, message: string) => found.push([['fields', name, key], `fields.${name}.${key} ${message}`]);
  const column = entry.postgres ?? name;
  if (column === file.postgres.key)
    add('postgres', 'is the key of the table, which is kept by itself; leave the field out');
  if (column === file.postgres.salesforce_id)
    add('postgres', 'is postgres.salesforce_id, which is written back by itself');
  if (entry.salesforce === file.salesforce.external_id)
    add('salesforce', 'is the external id, which is kept by itself; leave the field out');
  else if (entry.salesforce === 'Id') add('salesforce', 'is Id; name its column as postgres.salesforce_id instead');

  const direction = entry.direction ?? file.direction;
  if (file.direction !== 'both' && direction !== file.direction)
    add('direction', `goes against direction = "${file.direction}" of the mapping`);
  const source = { salesforce_to_postgres: 'salesforce', postgres_to_salesforce: 'postgres', both: null }[direction];
  if (source !== null && entry.owner !== undefined && entry.owner !== source)
    add('owner', `must be "${source}" or left out: the field comes only from there`);
  return [...found, ...checkKind(name, entry)];
}

function checkKind(name: string, entry: FieldEntry): Found[] {
  const found: Found[] = [];
  const add = (key: string, message: string) => found.push([['fields', name, key], `fields.${name}.${key} ${message}`]);
  for (const key of ['references', 'relationship'] as const) {
    if (entry.kind === 'reference' && entry[key] === undefined) add(key, 'is missing; kind = "reference" needs it');
    if (entry.kind !== 'reference' && entry[key] !== undefined) add(key, 'is only for kind = "reference"');
  }
  if (entry.length !== undefined && !['text', 'picklist', 'multipicklist'].includes(entry.kind))
    add('length', 'is only for kind = "text", "picklist" and "multipicklist"');
  if (entry.scale !== undefined && entry.kind !== 'decimal') add('scale', 'is only for kind = "decimal"');
  return found;
}

function duplicates(
  fields: readonly [string, FieldEntry][],
  key: 'postgres' | 'salesforce',
  nameOf: (field: [string, FieldEntry]) => string,
): Found[] {
  const first = new Map<string, string>();
  return fields.flatMap((field): Found[] => {
    const [name] = field;
    const before = first.get(nameOf(field));
    if (before === undefined) first.set(nameOf(field), name);
    if (before === undefined) return [];
    return [[['fields', name, key], `fields.${name}.${key} is mapped already, by fields.${before}`]];
  });
}

function checkNaturalKeys({ natural_keys, fields }: MappingFile): Found[] {
  return natural_keys.flatMap((names, index) =>
    names.flatMap((name, place): Found[] => {
      const path = ['natural_keys', index, place];
      if (fields[name] === undefined)
        return [[path, `natural_keys[${index}] names ${name}, which is no field of this mapping`]];
      if (names.indexOf(name) !== place) return [[path, `natural_keys[${index}] names ${name} twice`]];
      return [];
    }),
  );
}
