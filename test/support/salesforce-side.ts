/** Our own client of Salesforce, open against a sandbox of one test. */
import type { FieldMapping, ObjectMapping } from '../../src/records/model/mapping.ts';
import { seededRandom } from '../../src/platform/random.ts';
import {
  type OpenSalesforceSide,
  openSalesforceSide,
  type SalesforceOptions,
} from '../../src/records/salesforce/side.ts';
import { clientCredentials } from '../../src/records/salesforce/sign-in/stored.ts';
import { systemTimers } from '../../src/platform/timers.ts';
import { SANDBOX_APP } from '../../src/sandbox/salesforce/oauth/connected-app.ts';
import { type SalesforceWorld, startSalesforce } from './salesforce.ts';

export interface SalesforceSideWorld {
  readonly world: SalesforceWorld;
  readonly side: OpenSalesforceSide;
  /** Paths below the version of the calls since it was last asked, sign-ins left out. */
  calls(): string[];
  close(): Promise<void>;
}

/** Waiting takes no time but moves the clock of the sandbox; only deadlines of requests are real. */
export async function openSide(options: Partial<SalesforceOptions> = {}): Promise<SalesforceSideWorld> {
  const world = await startSalesforce();
  const side = openSalesforceSide({
    signIn: (http) =>
      clientCredentials({
        http,
        login: world.url,
        client_id: SANDBOX_APP.client_id,
        client_secret: SANDBOX_APP.client_secret,
      }),
    mappings: () => new Map([accounts(), contacts()].map((mapping) => [mapping.name, mapping])),
    clock: world.clock,
    timers: {
      sleep: (delay_ms, signal) => {
        if (DEADLINES_MS.has(delay_ms)) return systemTimers.sleep(delay_ms, signal);
        world.clock.now += delay_ms;
        return Promise.resolve();
      },
    },
    random: seededRandom(3),
    client: 'syncline-test',
    ...options,
  });
  let seen = 0;
  return {
    world,
    side,
    calls: () => {
      const all = world.requests.slice(seen).map(({ method, target }) => `${method} ${target}`);
      seen = world.requests.length;
      return all.filter((call) => !call.includes('/oauth2/')).map((call) => call.replace('/services/data/v67.0', ''));
    },
    close: async () => {
      await side.close();
      await world.close();
    },
  };
}

/** Of requests and uploads; no back-off and no poll takes exactly as long. */
const DEADLINES_MS: ReadonlySet<number> = new Set([20_000, 120_000]);

function field(name: string, salesforce: string, more: Partial<FieldMapping> = {}): FieldMapping {
  return {
    ...{ name, salesforce, postgres: name, kind: 'text', direction: 'both', owner: 'shared' },
    ...{ references: null, relationship: null, length: null, scale: null },
    ...more,
  };
}

function mapping(name: string, object: string, more: Partial<ObjectMapping>): ObjectMapping {
  return {
    name,
    version: '0000000000000001',
    salesforce: { object, external_id: 'External_Id__c', case_sensitive: false },
    postgres: { table: `public.${name}`, key: 'external_id', salesforce_id: null },
    direction: 'both',
    policy: 'manual',
    deletes: 'propagate',
    natural_keys: [],
    brakes: { max_deletes: 100, max_creates: 1_000, max_changes_percent: 20 },
    fields: [],
    ...more,
  };
}

export function accounts(more: Partial<ObjectMapping> = {}): ObjectMapping {
  return mapping('accounts', 'Account', {
    fields: [
      field('external_id', 'External_Id__c'),
      field('name', 'Name', { length: 255 }),
      field('phone', 'Phone', { length: 40 }),
      field('revenue', 'AnnualRevenue', { kind: 'decimal', scale: 0 }),
      field('active', 'Active__c', { kind: 'boolean' }),
    ],
    ...more,
  });
}

export function contacts(): ObjectMapping {
  const relationship = { name: 'Account', external_id: 'External_Id__c' };
  return mapping('contacts', 'Contact', {
    fields: [
      field('last_name', 'LastName', { length: 80 }),
      field('account', 'AccountId', { kind: 'reference', references: 'accounts', relationship }),
    ],
  });
}
