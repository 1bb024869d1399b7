import type { SendContext } from '../../engine/keyed/destination.ts';
import type { Clock } from '../../platform/clock.ts';
import { uuidv7, type Random } from '../../platform/random.ts';
import type { ObjectMapping } from '../model/mapping.ts';
import type { Document } from '../model/value.ts';
import type { SalesforceSide, SalesforceWrite } from '../sides.ts';
import type { Decision } from './decision.ts';
import { intentRow } from './row-writers.ts';

export interface SendingOptions {
  mapping: ObjectMapping;
  salesforce: SalesforceSide;
  clock: Clock;
  random: Random;
}

/**
 * Writes what the plans of several keys want written to Salesforce: notes the intents of all in one transaction, then sends, by
 * whatever lane fits how many they are. Keys whose claim was lost are left out.
 */
export async function sendToSalesforce(
  decisions: readonly Decision[],
  { mapping, salesforce, clock, random }: SendingOptions,
  context: SendContext,
): Promise<void> {
  const wanted = decisions.filter(({ plan, held_back }) => plan.salesforce !== null && !held_back);
  if (wanted.length === 0) return;
  for (const decision of wanted) decision.intent = intentOf(decision, uuidv7(clock.now_ms(), random));
  const may = await context.proceedAll(
    wanted.map(({ view }) => view.task),
    wanted.map(({ intent }) => (intent === null ? [] : [intentRow(intent)])),
  );
  wanted.forEach((decision, i) => (decision.lost = may[i] !== true));
  const sent = wanted.filter(({ lost }) => !lost);
  if (sent.length === 0) return;
  const results = await salesforce.write(mapping, sent.map(writeOf), context.signal);
  sent.forEach((decision, i) => (decision.result = results[i] ?? null));
}

function intentOf({ view, plan }: Decision, intent_id: string): Decision['intent'] {
  if (plan.salesforce === null) return null;
  const { operation, fields } = plan.salesforce;
  const { stream, key, agreed } = view.state.link;
  const known = Object.keys(fields).filter((field) => agreed?.base[field] !== undefined);
  const before: Document = Object.fromEntries(known.map((field) => [field, agreed?.base[field] ?? null]));
  const carried = plan.fields.filter(({ writes }) => writes.salesforce && !writes.postgres).map(({ field }) => field);
  return { intent_id, stream, key, operation, fields, before, carried };
}

function writeOf({ view, plan }: Decision): SalesforceWrite {
  const { operation, fields } = plan.salesforce ?? { operation: 'upsert' as const, fields: {} };
  const written = view.postgres_record?.id;
  const spelled = written !== undefined && { external_id: written };
  return { key: view.task.key, id: view.salesforce.id, operation, fields, ...spelled };
}
