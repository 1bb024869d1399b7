/**
 * Who a member is: an Ed25519 key that never leaves its machine. The member's id is made from the public key, so nobody
 * can claim another's; the certificate only carries the key through TLS and is never checked by an authority.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  webcrypto,
  type KeyObject,
  type X509Certificate,
} from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { InvalidInputError, messageOf } from '../../../platform/errors.ts';
import { writeDurably } from '../../../platform/write-file.ts';
import type { MemberId } from '../../origin.ts';

export interface MemberKey {
  member: MemberId;
  /** SHA-256 of the public key (DER, SubjectPublicKeyInfo) in 64 hex digits: what peers pin. */
  fingerprint: string;
  /** PEM, PKCS #8. */
  private_key: string;
}

export interface MemberCertificate extends MemberKey {
  /** PEM. */
  certificate: string;
}

const KEY_FILE = 'memory-member.key';
const CERTIFICATE_FILE = 'memory-member.crt';
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
/** 80 bits: a name, in every stamp. What is trusted is the whole fingerprint. */
const MEMBER_CHARS = 16;

/**
 * The key of the member whose keys are kept in a folder; made at the first call.
 * @throws InvalidInputError `memory.member_key` when the file is no key of ours
 */
export function openMemberKey(keys_dir: string): MemberKey {
  const file = join(keys_dir, KEY_FILE);
  if (!existsSync(file)) {
    mkdirSync(keys_dir, { recursive: true, mode: 0o700 });
    const { privateKey } = generateKeyPairSync('ed25519');
    writeDurably(file, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  }
  const private_key = readFileSync(file, 'utf8');
  const fingerprint = fingerprintOfKey(createPublicKey(readKey(private_key)));
  return { member: memberIdOf(fingerprint), fingerprint, private_key };
}

function readKey(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch (cause) {
    throw new InvalidInputError('memory.member_key', `The key of this member cannot be read: ${messageOf(cause)}`, {
      hint: `Restore keys/${KEY_FILE} from a backup; without it this machine must be paired anew.`,
      cause,
    });
  }
  throw new InvalidInputError('memory.member_key', 'The key of this member is not an Ed25519 key');
}

/** As `openMemberKey`, with a certificate for TLS; made at the first call. */
export async function openMemberCertificate(keys_dir: string): Promise<MemberCertificate> {
  const key = openMemberKey(keys_dir);
  const file = join(keys_dir, CERTIFICATE_FILE);
  if (!existsSync(file)) writeDurably(file, await makeCertificate(key));
  return { ...key, certificate: readFileSync(file, 'utf8') };
}

/** Self-signed and without an end (RFC 5280 §4.1.2.5): who trusts it pinned its key, and clocks of members are wrong. */
async function makeCertificate({ member, private_key }: MemberKey): Promise<string> {
  // Loaded when a certificate is made, once in a machine's life; x509 needs the metadata of its parsers.
  await import('reflect-metadata');
  const { X509CertificateGenerator } = await import('@peculiar/x509');
  const key = createPrivateKey(private_key);
  const algorithm = { name: 'Ed25519' };
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: '01',
      name: `CN=${member}`,
      notBefore: new Date('2020-01-01T00:00:00Z'),
      notAfter: new Date('9999-12-31T23:59:59Z'),
      signingAlgorithm: algorithm,
      keys: {
        privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']),
        publicKey: await webcrypto.subtle.importKey('spki', spki, algorithm, true, ['verify']),
      },
    },
    webcrypto,
  );
  return certificate.toString('pem');
}

/** What a connection's certificate pins to; null for none. TLS has proved that the other side holds the key. */
export function fingerprintOf(certificate: X509Certificate | undefined): string | null {
  return certificate ? fingerprintOfKey(certificate.publicKey) : null;
}

const fingerprints = new WeakMap<TLSSocket, string>();

/** The same of who is at the other end of a connection, which shows one certificate for as long as it lasts. */
export function fingerprintAt(socket: TLSSocket): string | null {
  const known = fingerprints.get(socket);
  if (known !== undefined) return known;
  const fingerprint = fingerprintOf(socket.getPeerX509Certificate());
  if (fingerprint !== null) fingerprints.set(socket, fingerprint);
  return fingerprint;
}

function fingerprintOfKey(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

/** The id of the member with this key: Base32 of the first 80 bits of the fingerprint. */
export function memberIdOf(fingerprint: string): MemberId {
  let bits = BigInt(`0x${fingerprint.slice(0, 20)}`);
  let id = '';
  for (let i = 0; i < MEMBER_CHARS; i++) {
    id = BASE32.charAt(Number(bits & 31n)) + id;
    bits >>= 5n;
  }
  return id;
}
