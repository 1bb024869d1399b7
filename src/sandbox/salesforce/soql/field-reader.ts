/** Reads a field of a record along a path of relationships. */
import { noSuchField } from '../org/incoming-record.ts';
import type { FieldDefinition, FieldValue, Row } from '../org/fields.ts';
import type { ObjectDefinition } from '../org/object-definition.ts';
import type { Org } from '../org/org.ts';
import { OrgRefusal } from '../org/refusal.ts';
import type { FieldPath } from './query.ts';

const DEEPEST_PATH = 6;

export interface ResolvedPath {
  /** References that lead to the object of the field. */
  parents: readonly FieldDefinition[];
  field: FieldDefinition;
}

/** @throws OrgRefusal INVALID_FIELD */
export function resolvePath(org: Org, from: ObjectDefinition, path: FieldPath): ResolvedPath {
  const parents: FieldDefinition[] = [];
  let object = from;
  if (path.length > DEEPEST_PATH) throw noSuchField(path.join('.'), from.name);
  // The object's own name may stand in front.
  const names = path.length > 1 && path[0]?.toLowerCase() === from.name.toLowerCase() ? path.slice(1) : path;
  for (const name of names.slice(0, -1)) {
    const reference = object.relationship(name);
    if (!reference)
      throw new OrgRefusal(
        'INVALID_FIELD',
        `Didn't understand relationship '${name}' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name.`,
      );
    parents.push(reference);
    object = org.table(reference.reference_to[0] ?? '').definition;
  }
  const last = names.at(-1) ?? '';
  const field = object.field(last);
  if (!field) throw noSuchField(last, object.name);
  return { parents, field };
}

/** The record that a path of references leads to; null where one of them is empty. */
export function followParents(org: Org, row: Row, parents: readonly FieldDefinition[]): Row | null {
  let at: Row | null = row;
  for (const { name, reference_to } of parents) {
    const id: FieldValue = at[name] ?? null;
    at = id === null ? null : org.row(reference_to[0] ?? '', String(id));
    if (!at) return null;
  }
  return at;
}

/** What a record holds or what is calculated of it. */
export function valueOf(field: FieldDefinition, row: Row): FieldValue | Readonly<Record<string, FieldValue>> {
  return field.calculated ? field.calculated(row) : (row[field.name] ?? null);
}
