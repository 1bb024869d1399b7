/** Our subscriber and the simulator's event bus, both real, on loopback. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/platform/clock.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { systemTimers, type Timers } from '../../src/platform/timers.ts';
import type { ReplayFrom } from '../../src/records/salesforce/pubsub/replay-id.ts';
import {
  subscribe,
  type ReceivedEvent,
  type SessionSource,
  type Subscription,
  type SubscriptionItem,
  type SubscriptionOptions,
} from '../../src/records/salesforce/pubsub/subscription.ts';
import type { Token } from '../../src/records/salesforce/sign-in/token.ts';
import { Org } from '../../src/sandbox/salesforce/org/org.ts';
import { startPubSub, type PubSubOptions, type RunningPubSub } from '../../src/sandbox/salesforce/pubsub/server.ts';

export const ACCOUNTS = '/data/AccountChangeEvent';

/** Back-offs of milliseconds, and the minute after a limit with them; watchdogs stay as long as they are. */
export const impatientTimers: Timers = {
  sleep: (delay_ms, signal) => systemTimers.sleep(delay_ms === 60_000 ? 1 : delay_ms, signal),
};

export interface Scene {
  org: Org;
  pubsub: RunningPubSub;
  clock: Clock & { advance(ms: number): void };
  /** Tokens that were given out, newest last. */
  tokens: string[];
  session: SessionSource;
  subscribe(replay: ReplayFrom, changes?: Partial<SubscriptionOptions>): Subscription & { stop(): void };
  close(): Promise<void>;
}

export async function openScene(options: Partial<PubSubOptions> = {}): Promise<Scene> {
  let now_ms = Date.parse('2026-01-01T00:00:00Z');
  const clock = { now_ms: () => now_ms, monotonic_ms: () => now_ms, advance: (ms: number) => void (now_ms += ms) };
  const org = new Org({ clock, random: seededRandom(7) });
  const pubsub = await startPubSub(org, { port: 0, ...options });
  const folder = mkdtempSync(join(tmpdir(), 'syncline-pubsub-'));
  const ca_file = join(folder, 'ca.pem');
  writeFileSync(ca_file, pubsub.certificate);
  const { session, tokens } = sessionOf(org);
  return {
    org,
    pubsub,
    clock,
    tokens,
    session,
    subscribe: (replay, changes = {}) => {
      const stopped = new AbortController();
      const subscription = subscribe({
        endpoint: `localhost:${pubsub.port}`,
        ca_file,
        topic: ACCOUNTS,
        replay,
        session,
        signal: stopped.signal,
        clock,
        timers: impatientTimers,
        random: seededRandom(3),
        retry: { base_ms: 1, cap_ms: 4, retry_after_cap_ms: 4 },
        ...changes,
      });
      return {
        status: () => subscription.status(),
        [Symbol.asyncIterator]: () => subscription[Symbol.asyncIterator](),
        stop: () => stopped.abort(),
      };
    },
    close: async () => {
      await pubsub.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A sign-in that gives a new token each time. */
function sessionOf(org: Org): { session: SessionSource; tokens: string[] } {
  const tokens: string[] = [];
  const sign_in = (): Token => {
    tokens.push(`${org.org_id}!token-${tokens.length}`);
    return {
      access_token: tokens.at(-1) ?? '',
      instance_url: 'https://sandbox.example',
      organization_id: org.org_id,
      user_id: org.admin_id,
      refresh_token: null,
    };
  };
  let token: Token | null = null;
  const session: SessionSource = {
    token: async () => (token ??= sign_in()),
    renewed: async (refused) => (token = token === refused || token === null ? sign_in() : token),
    accepted: () => undefined,
  };
  return { session, tokens };
}

/** Reads until that many events have come; leaves the subscription. */
export async function take(subscription: AsyncIterable<SubscriptionItem>, events: number): Promise<ReceivedEvent[]> {
  const taken: ReceivedEvent[] = [];
  if (events === 0) return taken;
  for await (const item of subscription) {
    if (item.kind === 'hole') throw new Error(`A hole: ${item.code}`);
    if (item.kind === 'events') taken.push(...item.events);
    if (taken.length >= events) break;
  }
  return taken;
}

/** `Name` of what each event tells. */
export function names(events: readonly ReceivedEvent[]): unknown[] {
  return events.map((event) => (event.kind === 'event' ? event.value['Name'] : event.code));
}
