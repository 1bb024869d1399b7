/** Records as REST and CSV show them. */
import type { FieldDefinition, FieldValue, Row } from '../org/fields.ts';
import { noSuchField } from '../org/incoming-record.ts';
import type { ObjectDefinition } from '../org/object-definition.ts';
import type { Org } from '../org/org.ts';
import { rowId } from '../org/transaction.ts';
import { resolvePath, valueOf } from './field-reader.ts';
import type { FieldPath } from './query.ts';

/** `2026-01-31T00:00:00.000+0000` */
export function restDatetime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '+0000');
}

type Rendered = FieldValue | { [name: string]: Rendered };

/** A field as JSON: datetimes as text with a zone. */
export function renderField(field: FieldDefinition, row: Row): Rendered {
  const value = valueOf(field, row);
  return field.type === 'datetime' && typeof value === 'number' ? restDatetime(value) : value;
}

export function attributesOf(object: ObjectDefinition, id: string, base: string): Record<string, string> {
  return { type: object.name, url: `${base}/sobjects/${object.name}/${id}` };
}

/** One record with the given paths. Made for a query once: what a path means is looked up here, not for each record. */
export type RecordRenderer = (row: Row) => Record<string, unknown>;

/**
 * Parents are nested records, null where there is none.
 * @throws OrgRefusal INVALID_FIELD
 */
export function recordRenderer(
  org: Org,
  object: ObjectDefinition,
  paths: readonly FieldPath[],
  base: string,
): RecordRenderer {
  const own: FieldDefinition[] = [];
  const parents = new Map<string, FieldPath[]>();
  for (const path of paths.flatMap((path) => spelledOut(object, path))) {
    const names = path.length > 1 && path[0]?.toLowerCase() === object.name.toLowerCase() ? path.slice(1) : path;
    const { field } = resolvePath(org, object, names);
    if (names.length === 1) own.push(field);
    else {
      const relationship = object.relationship(names[0] ?? '')?.relationship_name ?? '';
      parents.set(relationship, [...(parents.get(relationship) ?? []), names.slice(1)]);
    }
  }
  const nested = [...parents].map(([name, of_parent]) => parentRenderer(org, object, name, of_parent, base));
  return (row) => {
    const record: Record<string, unknown> = { attributes: attributesOf(object, rowId(row), base) };
    for (const field of own) record[field.name] = renderField(field, row);
    for (const { name, render } of nested) record[name] = render(row);
    return record;
  };
}

function parentRenderer(
  org: Org,
  object: ObjectDefinition,
  name: string,
  paths: readonly FieldPath[],
  base: string,
): { name: string; render: (row: Row) => unknown } {
  const reference = object.relationship(name);
  if (!reference) throw noSuchField(name, object.name);
  const entity = reference.reference_to[0] ?? '';
  const render = recordRenderer(org, org.table(entity).definition, paths, base);
  return {
    name,
    render: (row) => {
      const parent = org.row(entity, String(row[reference.name] ?? ''));
      return parent && render(parent);
    },
  };
}

/** `FIELDS(ALL)` is every field of the object. */
function spelledOut(object: ObjectDefinition, path: FieldPath): FieldPath[] {
  const which = /^FIELDS\((ALL|STANDARD|CUSTOM)\)$/.exec(path[0] ?? '')?.[1];
  if (which === undefined) return [path];
  return object.fields
    .filter(({ name }) => which === 'ALL' || name.endsWith('__c') === (which === 'CUSTOM'))
    .map(({ name }) => [name]);
}
