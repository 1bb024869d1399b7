import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { seededRandom } from '../../platform/random.ts';
import { Database } from '../../storage/sqlite/database.ts';
import { migrate } from '../../storage/sqlite/migrations.ts';
import { Admission, type AdmissionPolicy, type Claims } from './admission.ts';
import { signingKey } from './ed25519.ts';
import { DEFAULT_FRESHNESS, newNonce, timeOfNonce } from './freshness.ts';
import { KeyDirectory } from './key-directory.ts';
import { NonceCache } from './nonce-cache.ts';
import { PeerAttestation } from './peer-attestation.ts';
import { RequestRefused } from './refusal.ts';
import { signatureHeader } from './signature.ts';

const NOW_MS = Date.UTC(2026, 4, 7, 10);
const clock = { now_ms: () => NOW_MS, monotonic_ms: () => 0 };
const body = Buffer.from('{"sender_agent_id":"n1","memories":[]}');
const strict: AdmissionPolicy = {
  require_signature: true,
  require_nonce: true,
  require_enrollment: true,
  trust_body_agent_id: false,
  freshness: DEFAULT_FRESHNESS,
};
const uuidv4 = '00000000-0000-4000-8000-000000000001';
const pair = signingKey(new Uint8Array(32).fill(7));
const stranger = signingKey(new Uint8Array(32).fill(8));

let scratch: ReturnType<typeof scratchDirectory>;
let db: Database;
let keys: KeyDirectory;

beforeEach(() => {
  scratch = scratchDirectory();
  db = open();
  keys = new KeyDirectory(join(scratch.path, 'keys'));
  keys.write('n1', new Uint8Array(32).fill(7));
});

afterEach(() => {
  db.close();
  scratch.remove();
});

function open(): Database {
  const opened = new Database(join(scratch.path, 'memory.db'));
  migrate(opened, new URL('./migrations/', import.meta.url), 0, 'memory-compat');
  return opened;
}

interface Given {
  policy?: Partial<AdmissionPolicy>;
  attestation?: unknown;
  peer_id?: string | null;
  signature?: string | null;
  nonce?: string | null;
  claims?: Partial<Claims>;
  agent_id?: string;
}

/** What comes of one request: whom it is from, or the status and error of its refusal. */
function outcomeOf(given: Given): string {
  const nonce = given.nonce === undefined ? uuidv4 : (given.nonce ?? undefined);
  const admission = new Admission({
    policy: { ...strict, ...given.policy },
    agent_id: given.agent_id ?? 'ours',
    keys,
    nonces: new NonceCache(db),
    attestation: given.attestation === undefined ? PeerAttestation.none : PeerAttestation.read(given.attestation),
    clock,
  });
  try {
    const admitted = admission.verify(
      {
        peer_id: given.peer_id === undefined ? 'n1' : (given.peer_id ?? undefined),
        signature:
          given.signature === undefined
            ? signatureHeader(pair, { body }, nonce ?? null)
            : (given.signature ?? undefined),
        nonce,
      },
      { body },
    );
    const { peer_id, sender_agent_id } = admission.admit(admitted, {
      sender_agent_id: 'n1',
      sender_wall_clock: null,
      receiver: null,
      ...given.claims,
    });
    return `${peer_id} as ${sender_agent_id}`;
  } catch (error) {
    if (!(error instanceof RequestRefused)) throw error;
    return `${error.status} ${error.message}`;
  }
}

describe('the matrix of signatures (§5.5, §12.1)', () => {
  const unsigned = { signature: null, nonce: null };
  const unknown = { peer_id: 'n9', claims: { sender_agent_id: 'n9' } };
  const open_doors = { require_enrollment: false };
  it.each<[string, Given, string]>([
    ['signed, enrolled', {}, 'n1 as n1'],
    [
      'signed by another key',
      { signature: signatureHeader(stranger, { body }, uuidv4) },
      '401 x_memory_sig_bad_signature',
    ],
    [
      'signed over another body',
      { signature: signatureHeader(pair, { body: Buffer.of(1) }, uuidv4) },
      '401 x_memory_sig_bad_signature',
    ],
    ['signed, no key known', { ...unknown, policy: open_doors }, '401 x_memory_sig_no_enrolled_key'],
    ['unsigned, enrolled', unsigned, '401 x_memory_sig_missing'],
    ['unsigned, enrolled, not required', { ...unsigned, policy: { require_signature: false } }, 'n1 as n1'],
    ['unsigned, unknown', { ...unsigned, ...unknown }, '401 peer_not_enrolled'],
    ['unsigned, unknown, as 0.7 had it', { ...unsigned, ...unknown, policy: open_doors }, 'n9 as n9'],
    ['another algorithm', { signature: 'hmac=AA==' }, '401 x_memory_sig_unknown_algorithm'],
    ['no base64', { signature: 'ed25519=%' }, '401 x_memory_sig_malformed'],
    ['no nonce', { nonce: null }, '401 x_memory_nonce_missing'],
    [
      'an empty nonce, legacy form signed',
      { nonce: '', signature: signatureHeader(pair, { body }, null), policy: { require_nonce: false } },
      '401 x_memory_nonce_missing',
    ],
    ['no nonce, legacy form', { nonce: null, policy: { require_nonce: false } }, 'n1 as n1'],
    [
      'a nonce that is not covered',
      { nonce: uuidv4, signature: signatureHeader(pair, { body }, null), policy: { require_nonce: false } },
      '401 x_memory_sig_bad_signature',
    ],
    ['no peer id', { peer_id: null }, '403 peer_id_header_missing'],
    ['no peer id, unsigned', { ...unsigned, peer_id: null }, '403 peer_id_header_missing'],
    ['another sender in the body', { claims: { sender_agent_id: 'n2' } }, '403 sender_agent_id_mismatch'],
    ['not in the list of peers', { attestation: { n2: {} } }, '401 x_peer_id_not_in_allowlist'],
    [
      'allowed to speak for another',
      { attestation: { n1: { allowed_sender_agent_ids: ['n2'] } }, claims: { sender_agent_id: 'n2' } },
      'n1 as n2',
    ],
    [
      'no longer for itself then',
      { attestation: { n1: { allowed_sender_agent_ids: ['n2'] } } },
      '403 sender_agent_id_mismatch',
    ],
    ['a pull that names nobody', { claims: { sender_agent_id: null } }, 'n1 as n1'],
  ])('%s', (_, given, outcome) => expect(outcomeOf(given)).toBe(outcome));

  describe('a node before 0.7, which sends no peer id', () => {
    const before = { ...unsigned, peer_id: null };
    const policy = { require_enrollment: false, trust_body_agent_id: true };
    it.each<[string, Given, string]>([
      [
        'is believed where the switch says so',
        { ...before, policy, claims: { sender_agent_id: 'host:a' } },
        'host:a as host:a',
      ],
      ['cannot take an enrolled name', { ...before, policy }, '401 x_memory_sig_missing'],
      [
        'must be in the list when there is one',
        { ...before, policy, attestation: { n2: {} }, claims: { sender_agent_id: 'n3' } },
        '401 x_peer_id_not_in_allowlist',
      ],
      ['cannot sign, as nobody says with which key', { peer_id: null, policy }, '403 peer_id_header_missing'],
    ])('%s', (_, given, outcome) => expect(outcomeOf(given)).toBe(outcome));
  });
});

describe('a captured request (T16)', () => {
  test('is refused the second time, also after a restart', () => {
    expect(outcomeOf({})).toBe('n1 as n1');
    expect(outcomeOf({})).toBe('401 x_memory_nonce_replay');
    db.close();
    db = open();
    expect(outcomeOf({})).toBe('401 x_memory_nonce_replay');
  });

  test('from one of ours is refused at another node, which it does not name', () => {
    expect(outcomeOf({ claims: { receiver: 'ours' }, agent_id: 'another' })).toBe('401 x_memory_receiver_mismatch');
    expect(outcomeOf({ claims: { receiver: 'ours' } })).toBe('n1 as n1');
  });

  test('from one of ours is refused once it is old, by a node that never saw it', () => {
    const at = (now_ms: number): string => newNonce({ ...clock, now_ms: () => now_ms }, seededRandom(now_ms));
    expect(timeOfNonce(at(NOW_MS))).toBe(NOW_MS);
    expect(outcomeOf({ nonce: at(NOW_MS - 3_600_000) })).toBe('n1 as n1');
    expect(outcomeOf({ nonce: at(NOW_MS + 3_600_000) })).toBe('n1 as n1');
    expect(outcomeOf({ nonce: at(NOW_MS - 2 * 3_600_000 - 1) })).toBe('401 x_memory_nonce_stale');
    expect(outcomeOf({ nonce: at(NOW_MS + 2 * 3_600_000 + 1) })).toBe('401 x_memory_nonce_stale');
  });

  test('a stated wall clock counts only where that is asked for: 0.7 repeats stored bodies', () => {
    const claims = { sender_wall_clock: '2026-05-07T08:59:00Z' };
    const freshness = { ...DEFAULT_FRESHNESS, wall_clock_window_ms: 3_600_000 };
    expect(outcomeOf({ claims, policy: { freshness } })).toBe('401 x_memory_nonce_stale');
    expect(outcomeOf({ claims: { sender_wall_clock: 'nonsense' }, policy: { freshness } })).toBe(
      '401 x_memory_nonce_stale',
    );
    expect(outcomeOf({ claims })).toBe('n1 as n1');
  });

  test('a bad signature uses up no nonce', () => {
    outcomeOf({ signature: signatureHeader(stranger, { body }, uuidv4) });
    expect(outcomeOf({})).toBe('n1 as n1');
  });

  test('the memory for nonces has a bound for each peer: the oldest leaves, others keep theirs', () => {
    const nonces = new NonceCache(db, 3);
    expect(nonces.take('other', 'a')).toBe(true);
    for (const nonce of ['a', 'b', 'c', 'd']) expect(nonces.take('n1', nonce)).toBe(true);
    expect([nonces.take('other', 'a'), nonces.take('n1', 'd'), nonces.take('n1', 'b')]).toEqual([false, false, false]);
    expect(nonces.take('n1', 'a')).toBe(true);
    expect(db.value('SELECT count(*) FROM compat_nonce WHERE peer = ?', 'n1')).toBe(3);
  });
});
