import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { createAdaptorServer } from '@hono/node-server';
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
  const common = { fetch: app.fetch, overrideGlobalObjects: false };
  const limits = { maxHeaderSize: 16_384, requestTimeout: 60_000, headersTimeout: 20_000, keepAliveTimeout: 65_000 };
  if (!tls) return createAdaptorServer({ ...common, createServer: createHttpServer, serverOptions: limits }) as Server;
  const mutual = client_certificates ? { requestCert: true, rejectUnauthorized: false } : {};
  const server = createAdaptorServer({
    ...common,
    createServer: createHttpsServer,
    serverOptions: { ...limits, ...tls, ...mutual, minVersion: 'TLSv1.2' },
  }) as Server;
  if (client_certificates)
    server.on('secureConnection', (socket: TLSSocket) => {
      const certificate = socket.getPeerX509Certificate();
      if (!certificate || !client_certificates.has(fingerprintOf(certificate.raw))) socket.destroy();
    });
  return server;
}
