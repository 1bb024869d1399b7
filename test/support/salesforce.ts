/** A Salesforce sandbox for one test, with a clock of its own and a client that sends what it is told to. */
import { request } from 'undici';
import type { Clock } from '../../src/platform/clock.ts';
import { seededRandom } from '../../src/platform/random.ts';
import {
  startSalesforceSandbox,
  type SalesforceSandbox,
  type SandboxOptions,
} from '../../src/sandbox/salesforce/start-sandbox.ts';

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** Parsed; null for none. */
  json: unknown;
}

export interface SalesforceWorld extends SalesforceSandbox {
  clock: Clock & { now: number };
  token: string;
  /** Address under `/services/data/v67.0` unless it begins with `/services` or `/__sim`. A string body is sent as it is. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
}

export async function startSalesforce(options: Partial<SandboxOptions> = {}): Promise<SalesforceWorld> {
  const clock = {
    now: Date.parse('2026-11-21T12:00:00Z'),
    now_ms: () => clock.now,
    monotonic_ms: () => clock.now,
  };
  const sandbox = await startSalesforceSandbox({ port: 0, clock, random: seededRandom(7), ...options });
  const { access_token } = sandbox.sessions.issue({ user_id: sandbox.org.admin_id, client_id: 'test' });
  const call: SalesforceWorld['call'] = async (method, path, body, headers = {}) => {
    const prefix = /^\/(services|__sim|id|setup)\b/.test(path) ? '' : '/services/data/v67.0';
    const type = typeof body === 'string' ? {} : { 'content-type': 'application/json' };
    const response = await request(`${sandbox.url}${prefix}${path}`, {
      method,
      headers: { authorization: `Bearer ${access_token}`, ...(body === undefined ? {} : type), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.body.text();
    const is_json = String(response.headers['content-type']).includes('json') && text !== '';
    return { status: response.statusCode, headers: response.headers, text, json: is_json ? JSON.parse(text) : null };
  };
  return { ...sandbox, clock, token: access_token, call };
}
