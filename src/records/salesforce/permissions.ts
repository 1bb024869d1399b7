/** What `init` looks at before anything is set up (product R19): may we call the API, which objects, which fields, which events. */
import type { ObjectDescribe } from '../model/describe.ts';
import type { Descriptions } from './describe.ts';
import { soql } from './query.ts';
import { SalesforceCallError, type SalesforceTransport } from './transport.ts';

/** Objects that change events can be had for without the vendor's add-on (§12.9). */
export const EVENT_OBJECTS = 5;

/** `ok`: as it should be · `note`: works, and should be known · `missing`: without it the object cannot be synced. */
export interface PermissionFinding {
  readonly weight: 'ok' | 'note' | 'missing';
  /** Null: of the org as a whole. */
  readonly object: string | null;
  readonly code:
    | 'api_access'
    | 'calls'
    | 'object_unseen'
    | 'not_writable'
    | 'external_id'
    | 'no_external_id'
    | 'external_id_not_unique'
    | 'events'
    | 'polled';
  /** What is so and what can be done, for a person. */
  readonly message: string;
}

export interface PermissionReport {
  readonly findings: readonly PermissionFinding[];
  /** Fields that could be the external id, by object; unique ones first. */
  readonly external_ids: ReadonlyMap<string, readonly string[]>;
  /** Objects whose changes come as events; null: the org does not tell which. The others are polled. */
  readonly event_objects: readonly string[] | null;
}

export interface PermissionContext {
  readonly transport: SalesforceTransport;
  readonly descriptions: Descriptions;
  /** How often objects without events are asked about, for the report. */
  readonly poll_every_ms: number;
}

/**
 * Looks at the org for these objects. Reads only. What the user may not see is a finding, not an error.
 * @throws SalesforceCallError when the org cannot be reached or does not accept the sign-in
 */
export async function checkPermissions(
  context: PermissionContext,
  objects: readonly string[],
  signal: AbortSignal,
): Promise<PermissionReport> {
  const findings: PermissionFinding[] = [await checkApi(context, signal)];
  if (findings[0]?.weight === 'missing') return { findings, external_ids: new Map(), event_objects: null };
  const event_objects = await selectedForEvents(context, signal);
  const external_ids = new Map<string, readonly string[]>();
  for (const object of objects) {
    const description = await describeOrNull(context, object, signal);
    if (description === null) {
      findings.push(
        finding(
          'missing',
          object,
          'object_unseen',
          `${object} does not exist, or the user may not see it. Give the user Read and View All on it.`,
        ),
      );
      continue;
    }
    external_ids.set(object, externalIdsOf(description));
    findings.push(...checkObject(description), checkEvents(object, event_objects, context.poll_every_ms));
  }
  return { findings, external_ids, event_objects };
}

async function checkApi({ transport }: PermissionContext, signal: AbortSignal): Promise<PermissionFinding> {
  try {
    await transport.refreshBudget(signal);
  } catch (error) {
    if (!(error instanceof SalesforceCallError) || error.failure.code !== 'API_DISABLED_FOR_ORG') throw error;
    return finding(
      'missing',
      null,
      'api_access',
      'The API is not enabled for this org or user. Give the user "API Enabled"; some editions have no API.',
    );
  }
  const { used, max } = transport.budget.current() ?? { used: 0, max: 0 };
  const weight = max > 0 && used > max / 2 ? 'note' : 'ok';
  return finding(weight, null, 'calls', `${used} of ${max} calls of the last 24 hours are used.`);
}

async function describeOrNull(
  { descriptions }: PermissionContext,
  object: string,
  signal: AbortSignal,
): Promise<ObjectDescribe | null> {
  try {
    return await descriptions.of(object, signal, { fresh: true });
  } catch (error) {
    if (error instanceof SalesforceCallError && error.failure.class === 'permanent') return null;
    throw error;
  }
}

function externalIdsOf({ fields }: ObjectDescribe): string[] {
  return fields
    .filter(({ externalId }) => externalId)
    .sort((a, b) => Number(b.unique) - Number(a.unique))
    .map(({ name }) => name);
}

function checkObject(description: ObjectDescribe): PermissionFinding[] {
  const { name, createable, updateable, deletable } = description;
  const lacking = Object.entries({ create: createable, edit: updateable, delete: deletable }).flatMap(([verb, may]) =>
    may ? [] : [verb],
  );
  const writable =
    lacking.length === 0
      ? []
      : [
          finding(
            'note',
            name,
            'not_writable',
            `The user may not ${lacking.join(', ')} ${name}; it can only be synced to PostgreSQL.`,
          ),
        ];
  const [best] = externalIdsOf(description);
  if (best === undefined)
    return [
      ...writable,
      finding(
        'missing',
        name,
        'no_external_id',
        `${name} has no external id field. Create a text field marked External ID and Unique; without it ${name} can only be synced to PostgreSQL, by Id.`,
      ),
    ];
  const unique = description.fields.find((field) => field.name === best)?.unique === true;
  return [
    ...writable,
    unique
      ? finding('ok', name, 'external_id', `${best} can be the external id of ${name}.`)
      : finding(
          'note',
          name,
          'external_id_not_unique',
          `${best} of ${name} is an external id but not unique, so that one key may name several records. Mark it as Unique.`,
        ),
  ];
}

/** The objects of the standard channel of change events; null when this user may not read the set-up. */
async function selectedForEvents({ transport }: PermissionContext, signal: AbortSignal): Promise<string[] | null> {
  const fields = ['SelectedEntity'];
  const text = soql({ object: 'PlatformEventChannelMember', fields });
  const { base } = transport;
  const answered = await transport.call(
    { method: 'GET', path: `${base}/tooling/query?q=${encodeURIComponent(text)}`, reads: true },
    signal,
  );
  if (!answered.ok) {
    if (answered.failure.class === 'permanent') return null;
    throw new SalesforceCallError(answered);
  }
  const { records } = (answered.body ?? {}) as { records?: { SelectedEntity?: unknown }[] };
  return (records ?? []).flatMap(({ SelectedEntity: event }) =>
    typeof event === 'string' && event.endsWith('ChangeEvent') ? [objectOf(event)] : [],
  );
}

/** `AccountChangeEvent` is of Account, `Invoice__ChangeEvent` of Invoice__c. */
function objectOf(event: string): string {
  const name = event.slice(0, -'ChangeEvent'.length);
  return name.endsWith('__') ? `${name}c` : name;
}

function checkEvents(object: string, events: readonly string[] | null, poll_every_ms: number): PermissionFinding {
  const late = `It is polled, so that changes arrive up to ${Math.ceil(poll_every_ms / 1000)} s later.`;
  if (events === null)
    return finding(
      'note',
      object,
      'polled',
      `Whether change events are selected for ${object} cannot be seen by this user (View Setup and Configuration). ${late}`,
    );
  if (events.includes(object)) return finding('ok', object, 'events', `Changes of ${object} arrive as events.`);
  const room =
    events.length < EVENT_OBJECTS
      ? `Select it under Setup > Change Data Capture; ${EVENT_OBJECTS - events.length} of ${EVENT_OBJECTS} places are free.`
      : `All ${EVENT_OBJECTS} places without the add-on are taken by ${events.join(', ')}.`;
  return finding('note', object, 'polled', `${object} is not selected for change events. ${room} ${late}`);
}

function finding(
  weight: PermissionFinding['weight'],
  object: string | null,
  code: PermissionFinding['code'],
  message: string,
): PermissionFinding {
  return { weight, object, code, message };
}
