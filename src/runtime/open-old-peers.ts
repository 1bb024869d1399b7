/** Nodes of ai-memory, as the configuration names them, over the memories of a data directory. */
import { readFileSync } from 'node:fs';
import { parseListen, type SecretReference } from '../config/fields.ts';
import { resolveSecret } from '../config/secret.ts';
import { readClientCertificates } from '../memory/compat/client-certificates.ts';
import { OldPeers, type OldPeersListen } from '../memory/compat/old-peers.ts';
import type { OldPeerConfig } from '../memory/compat/old-peer.ts';
import { UsageError, messageOf } from '../platform/errors.ts';
import { programVersion } from '../platform/version.ts';
import type { DirectoryOptions } from './directory-options.ts';
import { fileBeside, keysFolder, ownAgentId } from './old-peer-places.ts';
import type { MemoryDirectory } from './open-memory.ts';

/**
 * Null where the configuration names none: nothing is opened then, and no file is made.
 * @throws UsageError `secret.missing`, `memory.compat_file`, `memory.mtls_allowlist`, naming the key
 */
export function openOldPeers(options: DirectoryOptions, memory: MemoryDirectory): OldPeers | null {
  const { paths, loaded, clock, random, timers, report } = options;
  const { compat, compat_listen } = loaded.config.memory;
  if (compat.peer.length === 0) return null;
  const listen = compat_listen === undefined ? null : parseListen(compat_listen);
  return new OldPeers({
    ...{ clock, random, timers, memories: memory.memories, redactor: memory.redactor },
    database: paths.memory_compat_db,
    agent_id: ownAgentId(options),
    version: programVersion(),
    keys_folder: keysFolder(options),
    peers: compat.peer.map((_, index) => peerAt(options, index)),
    listen: listen && listenOf(options, listen),
    pull_every_ms: compat.pull_every,
    onDefect: (error) => report(`ai-memory: ${messageOf(error)}`),
  });
}

function peerAt(options: DirectoryOptions, index: number): OldPeerConfig {
  const { compat } = options.loaded.config.memory;
  const peer = compat.peer[index];
  if (!peer) throw new RangeError('there is no such peer');
  const key = `memory.compat.peer[${index}]`;
  const { name, send, take, unscoped, senders, unsigned, insecure, ca, fingerprint } = peer;
  const { client_cert, client_key } = compat;
  return {
    ...{ name, send, take, unscoped, senders, unsigned, insecure },
    agent_id: peer.agent_id ?? name,
    url: peer.url ?? null,
    public_key: peer.public_key ?? null,
    api_key: secretOf(options, peer.api_key, `${key}.api_key`),
    tls: {
      ...(ca === undefined ? {} : { ca: textOf(options, ca, `${key}.ca`) }),
      ...(fingerprint === undefined ? {} : { server_fingerprint: fingerprint }),
      ...(client_cert === undefined ? {} : { cert: textOf(options, client_cert, 'memory.compat.client_cert') }),
      ...(client_key === undefined ? {} : { key: textOf(options, client_key, 'memory.compat.client_key') }),
    },
  };
}

function listenOf(options: DirectoryOptions, { host, port }: { host: string; port: number }): OldPeersListen {
  const { tls_cert, tls_key, mtls_allowlist, api_key } = options.loaded.config.memory.compat;
  const tls = (cert_file: string, key_file: string): { cert: string; key: string } => ({
    cert: textOf(options, cert_file, 'memory.compat.tls_cert'),
    key: textOf(options, key_file, 'memory.compat.tls_key'),
  });
  return {
    ...{ host, port },
    tls: tls_cert === undefined || tls_key === undefined ? null : () => tls(tls_cert, tls_key),
    client_certificates:
      mtls_allowlist === undefined
        ? null
        : () => readClientCertificates(textOf(options, mtls_allowlist, 'memory.compat.mtls_allowlist')),
    api_key: secretOf(options, api_key, 'memory.compat.api_key'),
  };
}

function secretOf(
  { loaded, env }: DirectoryOptions,
  reference: SecretReference | undefined,
  key: string,
): string | null {
  return reference === undefined ? null : resolveSecret(reference, { key, config_file: loaded.file, env });
}

function textOf(options: DirectoryOptions, file: string, key: string): string {
  try {
    return readFileSync(fileBeside(options.loaded, file), 'utf8');
  } catch (cause) {
    throw new UsageError('memory.compat_file', `${key}: the file cannot be read (${messageOf(cause)}).`, {
      field: key,
      hint: `It is looked for at ${fileBeside(options.loaded, file)}.`,
      cause,
    });
  }
}
