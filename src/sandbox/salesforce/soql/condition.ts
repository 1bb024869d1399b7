/** A condition becomes a function of a record. */
import { OrgRefusal } from '../org/refusal.ts';
import { parseRecordId } from '../org/record-id.ts';
import type { FieldDefinition, FieldType, FieldValue, Row } from '../org/fields.ts';
import type { ObjectDefinition } from '../org/object-definition.ts';
import type { Org } from '../org/org.ts';
import { followParents, resolvePath, valueOf, type ResolvedPath } from './field-reader.ts';
import type { Comparison, Condition, Literal } from './query.ts';

export type Predicate = (row: Row) => boolean;

/** Text without its case unless the field keeps it; null is null. */
export type Comparable = string | number | boolean | null;

/** @throws OrgRefusal INVALID_FIELD, INVALID_QUERY_FILTER_OPERATOR */
export function predicateOf(org: Org, object: ObjectDefinition, condition: Condition): Predicate {
  switch (condition.kind) {
    case 'and': {
      const parts = condition.parts.map((part) => predicateOf(org, object, part));
      return (row) => parts.every((part) => part(row));
    }
    case 'or': {
      const parts = condition.parts.map((part) => predicateOf(org, object, part));
      return (row) => parts.some((part) => part(row));
    }
    case 'not': {
      const part = predicateOf(org, object, condition.part);
      return (row) => !part(row);
    }
    case 'in': {
      const path = filterable(resolvePath(org, object, condition.path));
      const values = new Set(condition.values.map((value) => literalOf(path.field, value)));
      return (row) => values.has(comparableAt(org, path, row)) !== condition.negated;
    }
    case 'compare': {
      const path = filterable(resolvePath(org, object, condition.path));
      const matches = comparison(path.field, condition.operator, condition.value);
      return (row) => matches(comparableAt(org, path, row));
    }
  }
}

/** What a record's field is compared and sorted by. */
export function comparableAt(org: Org, { parents, field }: ResolvedPath, row: Row): Comparable {
  const at = parents.length === 0 ? row : followParents(org, row, parents);
  return at === null ? null : comparableOf(field, valueOf(field, at));
}

function comparableOf(field: FieldDefinition, value: FieldValue | object): Comparable {
  if (typeof value === 'object') return null;
  return typeof value === 'string' && !keepsCase(field) ? value.toLowerCase() : value;
}

function keepsCase(field: FieldDefinition): boolean {
  return field.case_sensitive || field.type === 'id' || field.type === 'reference' || field.type === 'date';
}

function filterable(path: ResolvedPath): ResolvedPath {
  const { field } = path;
  if (field.type !== 'textarea' && field.type !== 'address') return path;
  throw new OrgRefusal('INVALID_FIELD', `field '${field.name}' can not be filtered in a query call`);
}

function comparison(field: FieldDefinition, operator: Comparison, literal: Literal): (value: Comparable) => boolean {
  if (operator === 'LIKE') return likeOf(field, literal);
  const right = literalOf(field, literal);
  if (operator === '=') return (left) => left === right;
  if (operator === '!=') return (left) => left !== right;
  if (right === null || typeof right === 'boolean') throw badOperator(field);
  const wanted: Readonly<Record<string, (order: number) => boolean>> = {
    '<': (order) => order < 0,
    '<=': (order) => order <= 0,
    '>': (order) => order > 0,
    '>=': (order) => order >= 0,
  };
  const isWanted = wanted[operator];
  return (left) => left !== null && isWanted !== undefined && isWanted(left < right ? -1 : left > right ? 1 : 0);
}

function likeOf(field: FieldDefinition, literal: Literal): (value: Comparable) => boolean {
  if (literal.type !== 'string' || typeof literalOf(field, literal) !== 'string') throw badOperator(field);
  const source = literal.value.replace(/\\([^])|[%_]|[^%_\\]/g, (part: string, escaped: string | undefined) => {
    if (escaped !== undefined) return literally(escaped);
    if (part === '%') return '[^]*';
    return part === '_' ? '[^]' : literally(part);
  });
  const pattern = new RegExp(`^${source}$`, 'i');
  return (value) => typeof value === 'string' && pattern.test(value);
}

/** As a part of a pattern that stands for itself. */
function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

function badOperator(field: FieldDefinition): OrgRefusal {
  return new OrgRefusal('INVALID_FIELD', `invalid operator on ${field.type} field: ${field.name}`);
}

const KINDS: Readonly<Record<FieldType, Literal['type']>> = {
  id: 'string',
  string: 'string',
  textarea: 'string',
  email: 'string',
  phone: 'string',
  url: 'string',
  picklist: 'string',
  boolean: 'boolean',
  int: 'number',
  double: 'number',
  currency: 'number',
  percent: 'number',
  date: 'date',
  datetime: 'datetime',
  reference: 'string',
  address: 'string',
};

/** A literal in the form of the field's values; a day stands for its first moment where a datetime is compared. */
export function literalOf(field: FieldDefinition, literal: Literal): Comparable {
  if (literal.type === 'null') return null;
  const kind = KINDS[field.type];
  if (literal.type !== kind) {
    const quoted = literal.type === 'string' ? ' and should not be enclosed in quotes' : '';
    throw new OrgRefusal(
      'INVALID_FIELD',
      `value of filter criterion for field '${field.name}' must be of type ${field.type}${quoted}`,
    );
  }
  if (literal.type === 'datetime') return literal.ms;
  if (literal.type === 'date') return literal.day;
  if (field.type !== 'id' && field.type !== 'reference') return comparableOf(field, literal.value);
  const id = literal.value === '' ? null : parseRecordId(String(literal.value));
  if (id !== null || literal.value === '') return id;
  throw new OrgRefusal('INVALID_QUERY_FILTER_OPERATOR', `invalid ID field: ${String(literal.value)}`);
}
