/** The Salesforce side of the flow: everything that `SalesforceSide` promises, over one org. */
import type { Clock } from '../../platform/clock.ts';
import type { Random } from '../../platform/random.ts';
import type { Timers } from '../../platform/timers.ts';
import type { ObjectMapping } from '../model/mapping.ts';
import type { Parents } from '../model/read-value.ts';
import type { SalesforceResult, SalesforceSide } from '../sides.ts';
import { ApiBudget } from './budget.ts';
import { Descriptions } from './describe.ts';
import { HttpClient } from './http.ts';
import { type PollContext, Told, poll } from './poll.ts';
import { readIds, readKeys } from './read.ts';
import { scan } from './scan.ts';
import { SalesforceSession } from './session.ts';
import type { SignIn } from './sign-in/token.ts';
import { SalesforceTransport } from './transport.ts';
import { BULK_FROM } from './write/lane.ts';
import { type Part, type WriterContext, write, writeTogether } from './write/write.ts';

export interface SalesforceOptions {
  /** How to sign in, given the client that makes the requests: `jwtBearer`, `clientCredentials`, `storedRefreshToken`. */
  readonly signIn: (http: HttpClient) => SignIn;
  /** All mappings of the flow by name; references are read through them. Asked at each read, so it may change. */
  readonly mappings: () => Parents;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  /** Tag of our writes in change events; one for all installations that write to the org on behalf of this database. */
  readonly client: string;
  /** Share of the org's daily calls that may be driven to; 0.8 unless given. */
  readonly budget_share?: number;
  /** Above how many changes of one kind a bulk job is used; 2,000 unless given. */
  readonly bulk_from?: number;
  /** How long a bulk job may take; 10 minutes unless given. */
  readonly bulk_timeout_ms?: number;
  /** How far polling looks back; 11 minutes unless given, which is longer than any transaction of Salesforce may last. */
  readonly look_back_ms?: number;
  /** How often polling asks for records that are gone from the recycle bin, too; 10 minutes unless given. */
  readonly deleted_every_ms?: number;
  /** Whole deadline of one request; 20 s unless given. Must end before the lease of an attempt. */
  readonly request_timeout_ms?: number;
  /** Certificate authority of the sandbox, PEM. */
  readonly ca?: string | undefined;
}

/** What an open side offers beyond the flow's own needs. */
export interface OpenSalesforceSide extends SalesforceSide {
  /** Calls for `init`, checks and the change events' session. */
  readonly transport: SalesforceTransport;
  readonly session: SalesforceSession;
  readonly descriptions: Descriptions;
  /** Writes of several objects, where some refer to records that others of them create. Results as the parts stand. */
  writeTogether(parts: readonly Part[], signal: AbortSignal): Promise<SalesforceResult[][]>;
  /** Notes the org's limits; for the start. @throws SalesforceCallError */
  refreshBudget(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Opens the side; nothing is asked of Salesforce before the first call. */
export function openSalesforceSide(options: SalesforceOptions): OpenSalesforceSide {
  const { clock, timers, random, client, mappings } = options;
  const http = new HttpClient({ timers, ca: options.ca });
  const session = new SalesforceSession({ sign_in: options.signIn(http), clock });
  const budget = new ApiBudget({
    clock,
    ...(options.budget_share === undefined ? {} : { share: options.budget_share }),
  });
  const transport = new SalesforceTransport({
    ...{ http, session, budget, clock, timers, random, client },
    ...(options.request_timeout_ms === undefined ? {} : { timeout_ms: options.request_timeout_ms }),
  });
  const descriptions = new Descriptions(transport, clock);
  const context: WriterContext & PollContext = {
    ...{ transport, descriptions, timers, random, clock },
    parents: mappings,
    bulk_from: options.bulk_from ?? BULK_FROM,
    bulk_timeout_ms: options.bulk_timeout_ms ?? 600_000,
    look_back_ms: options.look_back_ms ?? 660_000,
    deleted_every_ms: options.deleted_every_ms ?? 600_000,
    told: new Told(),
  };
  return {
    ...sideOf(context),
    ...{ transport, session, descriptions },
    writeTogether: (parts, signal) => writeTogether(context, parts, signal),
    refreshBudget: (signal) => transport.refreshBudget(signal),
    close: () => http.close(),
  };
}

function sideOf(context: WriterContext & PollContext): SalesforceSide {
  const { transport } = context;
  return {
    identity: async (signal) => {
      const { user_id, organization_id } = await transport.token(signal);
      return { user_id, organization_id, client: transport.client };
    },
    readKeys: (mapping: ObjectMapping, keys, signal) => readKeys(context, mapping, keys, signal),
    readIds: (mapping: ObjectMapping, ids, signal) => readIds(context, mapping, ids, signal),
    write: (mapping: ObjectMapping, writes, signal) => write(context, mapping, writes, signal),
    scan: (mapping: ObjectMapping, from, signal) => scan(context, mapping, from, signal),
    poll: (mapping: ObjectMapping, position, signal) => poll(context, mapping, position, signal),
    budget: () => transport.budget.current(),
  };
}
