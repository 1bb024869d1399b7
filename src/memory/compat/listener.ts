import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import type { Hono } from 'hono';
import { isLoopback } from '../../engine/http/endpoint.ts';
import { UnreachableError, UsageError, messageOf } from '../../platform/errors.ts';
import { fingerprintOf, type ClientCertificates } from './client-certificates.ts';

export interface CompatListenerOptions {
  app: Hono;
  /** Address or name to bind; beyond loopback it needs TLS. */
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** PEM. */
  tls?: { cert: string; key: string };
  /** Only these client certificates may connect; needs TLS. */
  client_certificates?: ClientCertificates;
}

export interface CompatListener {
  url: string;
  port: number;
  stop(): Promise<void>;
}

/**
 * Listens for old peers on an address of its own. With a list of client certificates a connection without one of them is
 * closed in the handshake; the certificate itself is pinned, and its holder proves its key by TLS.
 * @throws UsageError `memory.compat_listen`; UnreachableError `listen.failed`
 */
export async function listenForOldPeers(options: CompatListenerOptions): Promise<CompatListener> {
  const { host, tls, client_certificates } = options;
  if (client_certificates && !tls)
    throw new UsageError('memory.compat_listen', 'A list of client certificates needs TLS', {
      hint: 'Give a certificate and key for old peers, too.',
    });
  if (!tls && !isLoopback(host))
    throw new UsageError('memory.compat_listen', 'Old peers on other machines would send memories in clear', {
      hint: 'Give a certificate and key, or listen on 127.0.0.1.',
    });
  const server = build(options);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new UnreachableError('listen.failed', `Cannot listen for old peers: ${messageOf(cause)}`, { cause })),
    );
    server.listen(options.port, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        server.closeAllConnections();
      }),
  };
}

function build({ app, tls, client_certificates }: CompatListenerOptions): Server {
  const limits = { maxHeaderSize: 16_384, requestTimeout: 60_000, headersTimeout: 20_000, keepAliveTimeout: 65_000 };
  const common = { overrideGlobalObjects: false };
  if (!tls) {
    const serverOptions = limits;
    return createAdaptorServer({
      ...common,
      fetch: app.fetch,
      createServer: createHttpServer,
      serverOptions,
    }) as Server;
  }
  const admitted = new WeakSet<object>();
  const isAdmitted = (socket: object): boolean => client_certificates === undefined || admitted.has(socket);
  const server = createAdaptorServer({
    ...common,
    // The door is the handshake; this is the second lock: what came in with it may be read before the socket is closed.
    fetch: (request, env) =>
      isAdmitted((env as HttpBindings).incoming.socket) ? app.fetch(request, env) : new Response(null, { status: 401 }),
    createServer: createHttpsServer,
    serverOptions: {
      ...limits,
      ...tls,
      ...(client_certificates ? { requestCert: true, rejectUnauthorized: false } : {}),
      minVersion: 'TLSv1.2',
    },
  }) as Server;
  // Before HTTP's own listener, which would take over the connection.
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    const certificate = socket.getPeerX509Certificate();
    if (certificate && client_certificates?.has(fingerprintOf(certificate.raw))) admitted.add(socket);
    else if (client_certificates) socket.destroy();
  });
  return server;
}
