/** What an administrator changed at an object while it is being synced, told so that a person knows what to do (§12.3). */
import { type ObjectDescribe, tellsCase } from '../model/describe.ts';
import { kindsOfSalesforce } from '../model/kinds-of-types.ts';
import type { MappingFinding } from '../model/mapping-finding.ts';
import { type FieldMapping, type ObjectMapping, writesTo } from '../model/mapping.ts';

/**
 * Compares what a mapping needs of an object in two descriptions. `error`: the object must pause until the mapping has been
 * changed or the change taken back · `warning`: it goes on, and records that do not fit are reported one by one. Changes
 * of fields that are not mapped are none.
 */
export function schemaChanges(mapping: ObjectMapping, before: ObjectDescribe, now: ObjectDescribe): MappingFinding[] {
  return [
    ...objectChanges(mapping, before, now),
    ...keyChanges(mapping, before, now),
    ...mapping.fields.flatMap((field) => fieldChanges(mapping, field, { before, now })),
  ];
}

function objectChanges(mapping: ObjectMapping, before: ObjectDescribe, now: ObjectDescribe): MappingFinding[] {
  const rights = [
    ['queryable', 'read', true],
    ['createable', 'create', writesTo(mapping.direction, 'salesforce')],
    ['updateable', 'update', writesTo(mapping.direction, 'salesforce')],
    ['deletable', 'delete', writesTo(mapping.direction, 'salesforce') && mapping.deletes === 'propagate'],
  ] as const;
  return rights.flatMap(([right, verb, needed]) =>
    needed && before[right] && !now[right]
      ? [finding('error', null, `our user may no longer ${verb} ${now.name}; grant it again, or change the mapping`)]
      : [],
  );
}

function keyChanges({ salesforce }: ObjectMapping, before: ObjectDescribe, now: ObjectDescribe): MappingFinding[] {
  const [was, is] = [before, now].map(({ fields }) => fields.find(({ name }) => name === salesforce.external_id));
  const name = `${now.name}.${salesforce.external_id}`;
  if (was === undefined) return [];
  if (is === undefined)
    return [
      finding(
        'error',
        null,
        `the external id ${name} is gone, or our user may no longer see it; bring it back, or run init anew`,
      ),
    ];
  const lost = was.externalId && !is.externalId && !is.idLookup;
  return [
    ...(lost
      ? [finding('error', null, `${name} is no external id any more; mark it as External ID in Salesforce`)]
      : []),
    ...(tellsCase(was) === tellsCase(is)
      ? []
      : [
          finding(
            'error',
            null,
            `${name} now ${tellsCase(is) ? 'tells' : 'does not tell'} upper from lower case, which changes keys; take it back, or run init anew`,
          ),
        ]),
    ...(was.unique && !is.unique
      ? [
          finding(
            'warning',
            null,
            `${name} is not unique any more, so that one key may name several records; mark it as Unique`,
          ),
        ]
      : []),
  ];
}

function fieldChanges(
  mapping: ObjectMapping,
  field: FieldMapping,
  { before, now }: { before: ObjectDescribe; now: ObjectDescribe },
): MappingFinding[] {
  const [was, is] = [before, now].map(({ fields }) => fields.find(({ name }) => name === field.salesforce));
  const name = `${now.name}.${field.salesforce}`;
  const error = (message: string): MappingFinding => finding('error', field.name, message);
  const warning = (message: string): MappingFinding => finding('warning', field.name, message);
  if (was === undefined) return [];
  if (is === undefined)
    return [
      error(
        `${name} is gone, or our user may no longer see it; bring it back, or take it out of the mapping and plan anew`,
      ),
    ];
  const written = writesTo(field.direction, 'salesforce') && writesTo(mapping.direction, 'salesforce');
  const retyped = was.type !== is.type && !kindsOfSalesforce(is).includes(field.kind);
  const narrower = written && is.length > 0 && is.length < was.length;
  const choices = new Set(is.picklistValues.filter(({ active }) => active).map(({ value }) => value));
  const lost = was.picklistValues.filter(({ value, active }) => active && !choices.has(value)).length;
  return [
    ...(retyped
      ? [error(`${name} was of type ${was.type} and is now ${is.type}; change its kind in the mapping and plan anew`)]
      : []),
    ...(written && was.updateable && !is.updateable
      ? [
          error(
            `${name} can no longer be updated by our user; grant edit access, or set direction = "salesforce_to_postgres" for it`,
          ),
        ]
      : []),
    ...(was.relationshipName !== is.relationshipName && field.kind === 'reference'
      ? [
          error(
            `the relation of ${name} is now called ${is.relationshipName ?? 'nothing'}; change relationship in the mapping`,
          ),
        ]
      : []),
    ...(narrower
      ? [warning(`${name} takes ${is.length} characters now and took ${was.length}; longer values are refused`)]
      : []),
    ...(written && lost > 0
      ? [warning(`${name} lost ${lost} of its choices; a value that is none any more may be refused`)]
      : []),
    ...(written && was.nillable && !is.nillable
      ? [warning(`${name} must have a value now; records without one are refused`)]
      : []),
  ];
}

function finding(severity: MappingFinding['severity'], field: string | null, message: string): MappingFinding {
  return { severity, field, message };
}
