/** Bodies of `/__sim`, checked. */
import { z } from 'zod';
import type { Fault } from '../faults/fault.ts';

const count = z.int().min(0);
const scalar = z.union([z.string(), z.number(), z.boolean()]);

const effect = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('reply'),
    status: z.int().min(100).max(599),
    error_code: z.string().optional(),
    message: z.string().optional(),
    headers: z.record(z.string(), z.string()).optional(),
    body: z.string().optional(),
  }),
  z.strictObject({ kind: z.literal('delay'), delay_ms: count, when: z.enum(['before', 'after']).optional() }),
  z.strictObject({ kind: z.literal('drop_before_commit') }),
  z.strictObject({ kind: z.literal('drop_after_commit') }),
  z.strictObject({ kind: z.literal('expire_tokens') }),
  z.strictObject({
    kind: z.literal('row'),
    status_code: z.string().min(1),
    message: z.string().optional(),
    fields: z.array(z.string()).optional(),
  }),
  z.strictObject({
    kind: z.literal('bulk'),
    outcome: z.enum(['Failed', 'Aborted', 'stalled']),
    after_rows: count.optional(),
    message: z.string().optional(),
  }),
]);

const fault = z.strictObject({
  match: z
    .strictObject({
      method: z.string().optional(),
      path: z.string().optional(),
      object: z.string().optional(),
      record_id: z.string().optional(),
      values: z.record(z.string(), scalar).optional(),
    })
    .optional(),
  effect,
  times: count.optional(),
  after: count.optional(),
});

const write = z.discriminatedUnion('verb', [
  z.strictObject({ verb: z.literal('create'), object: z.string(), values: z.record(z.string(), z.unknown()) }),
  z.strictObject({
    verb: z.literal('update'),
    object: z.string(),
    id: z.string(),
    values: z.record(z.string(), z.unknown()),
  }),
  z.strictObject({ verb: z.enum(['delete', 'undelete', 'purge']), object: z.string(), id: z.string() }),
]);
export type ControlWrite = z.infer<typeof write>;

const transaction = z.strictObject({
  writes: z.array(write).min(1),
  user: z.string().optional(),
  client: z.string().optional(),
});

const clock = z.strictObject({ advance_ms: count });
const limits = z.strictObject({ max: count.optional(), used: count.optional() });
const tokens = z.strictObject({ at_ms: z.number().optional() });

/** What each address takes. */
export const CONTROL_REQUESTS = { fault, transaction, clock, limits, tokens };

/** zod writes what is missing as undefined, which a fault has not. */
export function faultOf(given: z.infer<typeof fault>): Fault {
  return JSON.parse(JSON.stringify(given)) as Fault;
}
