import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { LoadedConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { readClientCertificates } from '../../memory/compat/client-certificates.ts';
import { KeyDirectory } from '../../memory/compat/key-directory.ts';
import { SynclineError, messageOf } from '../../platform/errors.ts';
import { fileBeside, keysFolder, ownAgentId } from '../../runtime/old-peer-places.ts';
import { safe } from '../format/safe.ts';
import { fault, ok, warn, type Check, type DoctorFacts, type Finding } from './check.ts';

type Compat = Config['memory']['compat'];
type Peer = Compat['peer'][number];

/** Nodes of ai-memory: what each may get and write, and whether what the exchange needs is there. Asks none of them. */
export const oldPeersCheck: Check = {
  name: 'Peers',
  run: (facts) => {
    const { loaded } = facts.inspection;
    const compat = loaded?.config.memory.compat;
    if (!loaded || !compat || compat.peer.length === 0) return [];
    return [
      ...compat.peer.flatMap((peer) => [whatItMay(peer), ...troubleOf(peer, loaded, facts)]),
      ...pairFindings(loaded, compat),
      ...fileFindings(loaded, compat),
    ];
  },
};

function whatItMay({ name, send, take, unscoped }: Peer): Finding {
  const list = (patterns: readonly string[]): string => (patterns.length === 0 ? 'nothing' : safe(patterns.join(', ')));
  const scope = unscoped ? ', also memories without a scope' : '';
  return ok(`${name} (ai-memory) gets ${list(send)}${scope}; writes to ${list(take)}`);
}

function troubleOf(peer: Peer, loaded: LoadedConfig, { paths }: DoctorFacts): Finding[] {
  const { name, url, send, take, unsigned, public_key, agent_id = name, insecure } = peer;
  const key =
    unsigned || public_key !== undefined ? true : new KeyDirectory(keysFolder({ paths })).publicKeyOf(agent_id);
  const speaks = loaded.config.memory.compat_listen !== undefined;
  const found: Finding[] = [];
  if (send.length + take.length === 0)
    found.push(warn(`${name}: nothing is exchanged with it`, 'Name namespaces in `send` or `take`, or remove it.'));
  if (url === undefined && !speaks)
    found.push(warn(`${name}: nobody can reach the other`, 'Give it a `url`, or set memory.compat_listen.'));
  if (speaks && key === null)
    found.push(
      warn(`${name}: its key is not known, so its requests are refused`, 'Set `public_key`, or `unsigned = true`.'),
    );
  if (url?.startsWith('http:') && insecure)
    found.push(warn(`${name}: memories go there unencrypted`, 'Give it a certificate and an https:// address.'));
  if (agent_id === ownAgentId({ loaded }))
    found.push(fault(`${name}: its id is ours`, 'Set `agent_id` of this peer, or memory.compat.agent_id.'));
  return found;
}

/** Certificates with their keys, as TLS will take them. */
function pairFindings(loaded: LoadedConfig, { tls_cert, tls_key, client_cert, client_key }: Compat): Finding[] {
  const pairs = [
    ['memory.compat.tls_cert', tls_cert, tls_key],
    ['memory.compat.client_cert', client_cert, client_key],
  ] as const;
  return pairs.flatMap(([key, cert_file, key_file]) => {
    if (cert_file === undefined || key_file === undefined) return [];
    return attempt(key, () => {
      createSecureContext({ cert: read(loaded, cert_file), key: read(loaded, key_file) });
    });
  });
}

function fileFindings(loaded: LoadedConfig, { mtls_allowlist, peer }: Compat): Finding[] {
  return [
    ...(mtls_allowlist === undefined
      ? []
      : attempt('memory.compat.mtls_allowlist', () => void readClientCertificates(read(loaded, mtls_allowlist)))),
    ...peer.flatMap(({ ca }, index) =>
      ca === undefined
        ? []
        : attempt(`memory.compat.peer[${index}].ca`, () => void createSecureContext({ ca: read(loaded, ca) })),
    ),
  ];
}

function attempt(key: string, work: () => void): Finding[] {
  try {
    work();
    return [];
  } catch (error) {
    const reason =
      error instanceof SynclineError ? error.message : ((error as { code?: string }).code ?? messageOf(error));
    return [fault(`${key} cannot be used: ${safe(reason)}`, 'Correct the file, or the name of it.')];
  }
}

function read(loaded: LoadedConfig, file: string): string {
  return readFileSync(fileBeside(loaded, file), 'utf8');
}
