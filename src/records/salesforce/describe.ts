import { z } from 'zod';
import type { Clock } from '../../platform/clock.ts';
import { InvalidInputError } from '../../platform/errors.ts';
import type { ObjectDescribe } from '../model/describe.ts';
import type { SalesforceTransport } from './transport.ts';

const flag = z.boolean().catch(false);
const able = z.boolean().catch(true);
const whole = z.int().catch(0);
const fieldForm = z.object({
  name: z.string(),
  type: z.string(),
  length: whole,
  precision: whole,
  scale: whole,
  nillable: flag,
  createable: flag,
  updateable: flag,
  externalId: flag,
  idLookup: flag,
  unique: flag,
  caseSensitive: flag,
  calculated: flag,
  defaultedOnCreate: flag,
  defaultValue: z.unknown(),
  compoundFieldName: z.string().nullable().catch(null),
  referenceTo: z.array(z.string()).catch([]),
  relationshipName: z.string().nullable().catch(null),
  picklistValues: z.array(z.object({ value: z.string(), active: z.boolean().catch(true) })).catch([]),
});
const objectForm = z.object({
  name: z.string(),
  queryable: able,
  createable: able,
  updateable: able,
  deletable: able,
  fields: z.array(fieldForm).min(1),
});

/** A description is asked about again after this long; mostly that is answered with "not modified". */
const MAX_AGE_MS = 10 * 60_000;

interface Kept {
  readonly description: ObjectDescribe;
  readonly validators: Readonly<Record<string, string>>;
  readonly at_ms: number;
}

/** Descriptions of objects, kept for ten minutes and then confirmed. */
export class Descriptions {
  readonly #transport: SalesforceTransport;
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();

  constructor(transport: SalesforceTransport, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
  }

  /**
   * `fresh`: asks Salesforce in any case.
   * @throws SalesforceCallError (NOT_FOUND: the object does not exist for this user) · InvalidInputError `salesforce.answer`
   */
  async of(object: string, signal: AbortSignal, { fresh = false }: { fresh?: boolean } = {}): Promise<ObjectDescribe> {
    const kept = this.#kept.get(object);
    if (kept !== undefined && !fresh && this.#clock.monotonic_ms() - kept.at_ms < MAX_AGE_MS) return kept.description;
    const { status, body, headers } = await this.#transport.read(
      {
        method: 'GET',
        path: `/sobjects/${encodeURIComponent(object)}/describe`,
        ...(kept === undefined ? {} : { headers: kept.validators }),
      },
      signal,
    );
    const description = status === 304 && kept !== undefined ? kept.description : readDescription(body);
    const validators = status === 304 && kept !== undefined ? kept.validators : validatorsOf(headers);
    this.#kept.set(object, { description, validators, at_ms: this.#clock.monotonic_ms() });
    return description;
  }
}

function readDescription(body: unknown): ObjectDescribe {
  const parsed = objectForm.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new InvalidInputError('salesforce.answer', 'Salesforce described an object in a form that is not known');
}

function validatorsOf(headers: Readonly<Record<string, string>>): Record<string, string> {
  const { etag, 'last-modified': modified } = headers;
  return {
    ...(etag === undefined ? {} : { 'if-none-match': etag }),
    ...(modified === undefined ? {} : { 'if-modified-since': modified }),
  };
}
