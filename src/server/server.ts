import { createAdaptorServer } from '@hono/node-server';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../platform/clock.ts';
import { UnreachableError, UsageError, messageOf } from '../platform/errors.ts';
import type { Random } from '../platform/random.ts';
import type { Timers } from '../platform/timers.ts';
import type { Operator } from '../runtime/operator.ts';
import type { SessionStore } from '../sessions/store/session-store.ts';
import type { TelemetryStore } from '../telemetry/store/telemetry-store.ts';
import { Quota } from './access/quota.ts';
import type { Caller } from './access/scope.ts';
import { SignIn } from './access/sign-in.ts';
import type { TokenStore } from './access/token-store.ts';
import { createApp } from './app.ts';
import { readCertificate, stampOf, type Certificate, type TlsFiles } from './certificate.ts';
import type { ServerContext } from './context.ts';
import { observeEngine } from './engine-metrics.ts';
import { InFlight } from './http/in-flight.ts';
import { DEFAULT_LIMITS, type ServerLimits } from './limits.ts';
import { checkListenPolicy, proxyList } from './listen-policy.ts';
import { ServerMetrics } from './metrics.ts';
import type { Pages } from './pages.ts';
import type { Removals } from './removals.ts';
import type { ServedMemory } from './served-memory.ts';

/** How often last uses of tokens are written and the certificate files are looked at. */
const UPKEEP_MS = 15_000;

/** How often a stopping server closes the connections that have become idle. */
const IDLE_CHECK_MS = 25;

export interface ServerOptions {
  store: TelemetryStore;
  /** Where members' conversations are kept; none: the routes for them say 404. */
  sessions?: SessionStore;
  /** The memories that are served; none: the routes for them say 404. */
  memory?: ServedMemory;
  tokens: TokenStore;
  /** Has what members delete leave the files; the caller runs it. */
  removals?: Removals;
  /** Writes down an operator action. */
  record?: ServerContext['record'];
  clock: Clock;
  random: Random;
  timers: Timers;
  version: string;
  /** Address or name to bind; anything but loopback needs TLS or a proxy, and tokens (R7). */
  host: string;
  /** 0 takes a free one. */
  port: number;
  tls?: TlsFiles;
  /** CIDR ranges of the proxies that alone may connect. */
  behind_proxy?: readonly string[];
  public_url?: string;
  limits?: Partial<ServerLimits>;
  operator?: Operator;
  pages?: Pages;
  /** More to wait for before `/healthz` says 200, such as open databases. */
  isReady?: () => boolean;
  /** Told of every defect; never of refusals. */
  onDefect?: (error: unknown, route: string) => void;
}

export interface SynclineServer {
  /**
   * Binds and begins to answer.
   * @throws UsageError `listen.tls`, `listen.token`, `tls.files`; UnreachableError `listen.port_taken`, `listen.failed`
   */
  start(): Promise<{ url: string; port: number }>;
  /** Takes no new connection, lets running requests end within the bound, then closes the rest. Twice is as once. */
  stop(): Promise<void>;
  /** A key for one sign-in link, `<url>/?key=<key>`; its bearer reads as the given caller. */
  issueKey(caller: Omit<Caller, 'scopes'>): string;
}

/**
 * Makes a server; nothing is bound before `start`.
 * @throws UsageError `listen.public_url`, `listen.proxy`
 */
export function createServer(options: ServerOptions): SynclineServer {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const in_flight = new InFlight(limits);
  const upkeep = new AbortController();
  let listening = false;
  const context: ServerContext = {
    store: options.store,
    sessions: options.sessions ?? null,
    memory: options.memory ?? null,
    tokens: options.tokens,
    removals: options.removals ?? null,
    record: options.record ?? (async () => undefined),
    sign_in: new SignIn(options.clock, options.random),
    quota: new Quota(options.clock, limits),
    in_flight,
    metrics: new ServerMetrics(in_flight, () => options.store.sizeBytes()),
    limits,
    clock: options.clock,
    random: options.random,
    host_rules: { public_url: publicUrl(options.public_url), behind_proxy: proxyList(options.behind_proxy ?? []) },
    version: options.version,
    operator: options.operator ?? null,
    pages: options.pages ?? null,
    ready: () => listening && (options.isReady?.() ?? true),
    stopping: () => upkeep.signal.aborted,
    stopped: upkeep.signal,
    onDefect: options.onDefect ?? (() => undefined),
  };
  if (options.operator) observeEngine(context.metrics.registry, options.operator, () => options.clock.now_ms());
  let server: Server | TlsServer | null = null;
  return {
    start: async () => {
      const { host, tls } = options;
      checkListenPolicy({
        host,
        has_tls: tls !== undefined,
        behind_proxy: options.behind_proxy ?? [],
        has_tokens: options.tokens.hasAny(),
      });
      const certificate = tls && readCertificate(tls);
      server = build(context, certificate);
      const port = await bind(server, host, options.port);
      listening = true;
      void keepUp(options, context, server, certificate, upkeep.signal);
      return { url: `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`, port };
    },
    stop: async () => {
      listening = false;
      upkeep.abort();
      if (server) await close(server, options.timers, limits.stop_timeout_ms);
      options.tokens.writeLastUses();
    },
    issueKey: (caller) => context.sign_in.issueKey(caller),
  };
}

function publicUrl(url: string | undefined): URL | null {
  if (url === undefined) return null;
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return new URL(url);
  throw new UsageError('listen.public_url', 'The public address is not an http or https URL', {
    field: 'server.public_url',
  });
}

function build(context: ServerContext, certificate: Certificate | undefined): Server | TlsServer {
  const { limits } = context;
  const serverOptions = {
    maxHeaderSize: limits.max_header_bytes,
    requestTimeout: limits.request_timeout_ms,
    headersTimeout: Math.min(limits.request_timeout_ms, 20_000),
    keepAliveTimeout: 65_000,
  };
  const app = createApp(context);
  // Hono would replace the global Request and Response of the whole process by lighter ones; a library should not.
  const common = { fetch: app.fetch, overrideGlobalObjects: false };
  return (
    certificate
      ? createAdaptorServer({
          ...common,
          createServer: createHttpsServer,
          serverOptions: { ...serverOptions, ...certificate, minVersion: 'TLSv1.2' },
        })
      : createAdaptorServer({ ...common, createServer: createHttpServer, serverOptions })
  ) as Server | TlsServer;
}

async function bind(server: Server | TlsServer, host: string, port: number): Promise<number> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (cause) {
    if ((cause as { code?: string }).code === 'EADDRINUSE')
      throw new UnreachableError('listen.port_taken', `Port ${port} is taken by another program`, {
        hint: 'Choose another with --port.',
        cause,
      });
    throw new UnreachableError('listen.failed', `Cannot listen on ${host}:${port}: ${messageOf(cause)}`, { cause });
  }
  return (server.address() as AddressInfo).port;
}

/** Writes what tokens were used and takes up a renewed certificate, until stopped. */
async function keepUp(
  options: ServerOptions,
  context: ServerContext,
  server: Server | TlsServer,
  certificate: Certificate | undefined,
  signal: AbortSignal,
): Promise<void> {
  let stamp = certificate?.stamp;
  for (;;) {
    await options.timers.sleep(UPKEEP_MS, signal);
    if (signal.aborted) return;
    try {
      options.tokens.writeLastUses();
      if (!options.tls || stampOf(options.tls) === stamp) continue;
      const renewed = readCertificate(options.tls);
      (server as TlsServer).setSecureContext(renewed);
      stamp = renewed.stamp;
    } catch (error) {
      // Half-written files: the old certificate serves on, and the next look may find both whole.
      context.onDefect(error, 'upkeep');
    }
  }
}

/** Connections turn idle one by one as their requests end; nothing tells, so they are looked at again and again. */
async function close(server: Server | TlsServer, timers: Timers, timeout_ms: number): Promise<void> {
  if (!server.listening) return;
  const ended = new AbortController();
  const closed = new Promise<void>((resolve) =>
    server.close(() => {
      ended.abort();
      resolve();
    }),
  );
  for (let waited_ms = 0; waited_ms < timeout_ms && !ended.signal.aborted; waited_ms += IDLE_CHECK_MS) {
    server.closeIdleConnections();
    await timers.sleep(IDLE_CHECK_MS, ended.signal);
  }
  server.closeAllConnections();
  await closed;
}
