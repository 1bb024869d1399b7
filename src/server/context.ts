import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import type { Operator } from '../runtime/operator.ts';
import type { SessionStore } from '../sessions/store/session-store.ts';
import type { TelemetryStore } from '../telemetry/store/telemetry-store.ts';
import type { HostRules } from './access/host-check.ts';
import type { Quota } from './access/quota.ts';
import type { SignIn } from './access/sign-in.ts';
import type { TokenStore } from './access/token-store.ts';
import type { InFlight } from './http/in-flight.ts';
import type { ServerLimits } from './limits.ts';
import type { ServerMetrics } from './metrics.ts';
import type { Pages } from './pages.ts';
import type { Removals } from './removals.ts';
import type { ServedMemory } from './served-memory.ts';

/** Everything the routes work with; made once by `createServer`. */
export interface ServerContext {
  store: TelemetryStore;
  /** Null: this server keeps no conversations. */
  sessions: SessionStore | null;
  /** Null: this server keeps no memories. */
  memory: ServedMemory | null;
  tokens: TokenStore;
  /** What is deleted leaves the files later; null: nobody sees to it. */
  removals: Removals | null;
  /** Writes down what a member did beyond sending, who and with which token, as an operator action. */
  record: (action: { verb: string; target: string; detail: object }) => Promise<void>;
  sign_in: SignIn;
  quota: Quota;
  in_flight: InFlight;
  metrics: ServerMetrics;
  limits: ServerLimits;
  clock: Clock;
  random: Random;
  host_rules: HostRules;
  version: string;
  operator: Operator | null;
  pages: Pages | null;
  /** False while starting and once stopping. */
  ready: () => boolean;
  /** True once a stop has begun: answers then close their connection. */
  stopping: () => boolean;
  /** Aborts when a stop begins: answers that have no end end then. */
  stopped: AbortSignal;
  /** Told of every answer with status 500; the answer itself says nothing of the cause. */
  onDefect: (error: unknown, route: string) => void;
}
