import type { Clock } from '../../platform/clock.ts';
import { isFresh, type FreshnessPolicy } from './freshness.ts';
import type { KeyDirectory } from './key-directory.ts';
import { MAX_NONCE_CHARS, type NonceCache } from './nonce-cache.ts';
import type { PeerAttestation } from './peer-attestation.ts';
import { RequestRefused } from './refusal.ts';
import { isSignedBy, readSignature, type Signed } from './signature.ts';

/** What must be true of a request before its body is believed; names of the original's switches in brackets (§5.5). */
export interface AdmissionPolicy {
  /** An enrolled peer must sign. [AI_MEMORY_FED_REQUIRE_SIG] */
  require_signature: boolean;
  /** A signature must cover a nonce; otherwise the legacy form is taken, which can be replayed. [..._REQUIRE_NONCE] */
  require_nonce: boolean;
  /** A peer without a key is refused, also unsigned. [..._REQUIRE_PEER_ENROLLMENT] */
  require_enrollment: boolean;
  /** A request without `x-peer-id` is taken for its body's sender; what nodes before 0.7 need. [..._TRUST_BODY_AGENT_ID] */
  trust_body_agent_id: boolean;
  freshness: FreshnessPolicy;
}

export interface AdmissionHeaders {
  peer_id: string | undefined;
  signature: string | undefined;
  nonce: string | undefined;
}

/** A request whose signature, if it had one, was good. */
export interface Admitted {
  /** As the header named it; null when it did not, which the policy allowed. */
  peer_id: string | null;
  is_signed: boolean;
  nonce: string | null;
}

/** What the body or query of an admitted request says about itself. */
export interface Claims {
  /** `sender_agent_id` of a push, `peer` of a pull; null when a pull names nobody. */
  sender_agent_id: string | null;
  sender_wall_clock: string | null;
  /** Whom the request names as its receiver; only ours do. */
  receiver: string | null;
}

export interface AdmissionParts {
  policy: AdmissionPolicy;
  /** Our own id, as peers of ours name it as a receiver. */
  agent_id: string;
  keys: KeyDirectory;
  nonces: NonceCache;
  attestation: PeerAttestation;
  clock: Clock;
}

/** Who may speak. Every refusal is thrown as `RequestRefused` with the status and code of the wire. */
export class Admission {
  readonly #parts: AdmissionParts;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** First step, before the body is parsed: allow-list and signature. */
  verify(headers: AdmissionHeaders, signed: Signed): Admitted {
    const { policy, keys, attestation } = this.#parts;
    const peer_id = headers.peer_id ?? null;
    const is_nameless_taken = policy.trust_body_agent_id || attestation.takesNameless;
    if (peer_id === null && (headers.signature !== undefined || !is_nameless_taken))
      throw new RequestRefused(403, 'peer_id_header_missing');
    if (peer_id === null) return { peer_id: null, is_signed: false, nonce: null };
    this.#checkListed(peer_id);
    const key = keys.publicKeyOf(peer_id);
    if (headers.signature === undefined) {
      this.#checkUnsigned(peer_id, key !== null);
      return { peer_id, is_signed: false, nonce: null };
    }
    return { peer_id, is_signed: true, nonce: this.#verifySignature(headers.signature, headers.nonce, key, signed) };
  }

  /** Second step: what the body claims must fit, and the request must not have been seen. Uses up its nonce. */
  admit(admitted: Admitted, claims: Claims): { peer_id: string; sender_agent_id: string } {
    const { policy, attestation, keys, nonces, clock, agent_id } = this.#parts;
    const sender = claims.sender_agent_id ?? admitted.peer_id;
    if (sender === null) throw new RequestRefused(403, 'peer_id_header_missing');
    if (admitted.peer_id !== null && !attestation.maySendAs(admitted.peer_id, sender))
      throw new RequestRefused(403, 'sender_agent_id_mismatch');
    // Without the header the body says who sends: leaving it out must not open what the header would close.
    if (admitted.peer_id === null) {
      this.#checkListed(sender);
      if (!policy.trust_body_agent_id && !attestation.maySendUnsigned(sender))
        throw new RequestRefused(403, 'peer_id_header_missing');
      this.#checkUnsigned(sender, keys.publicKeyOf(sender) !== null);
    }
    const peer_id = admitted.peer_id ?? sender;
    if (!admitted.is_signed) return { peer_id, sender_agent_id: sender };
    if (claims.receiver !== null && claims.receiver !== agent_id)
      throw new RequestRefused(401, 'x_memory_receiver_mismatch');
    if (!isFresh(policy.freshness, clock.now_ms(), admitted.nonce, claims.sender_wall_clock))
      throw new RequestRefused(401, 'x_memory_nonce_stale');
    if (admitted.nonce !== null && !nonces.take(peer_id, admitted.nonce))
      throw new RequestRefused(401, 'x_memory_nonce_replay');
    return { peer_id, sender_agent_id: sender };
  }

  #checkListed(peer_id: string): void {
    const { attestation } = this.#parts;
    if (attestation.isConfigured && !attestation.knows(peer_id))
      throw new RequestRefused(401, 'x_peer_id_not_in_allowlist');
  }

  #checkUnsigned(peer_id: string, is_enrolled: boolean): void {
    const { require_signature, require_enrollment } = this.#parts.policy;
    if (is_enrolled && require_signature) throw new RequestRefused(401, 'x_memory_sig_missing');
    if (this.#parts.attestation.maySendUnsigned(peer_id)) return;
    if (!is_enrolled && require_enrollment) throw new RequestRefused(401, 'peer_not_enrolled');
  }

  /** Returns the nonce that the signature covers. */
  #verifySignature(header: string, nonce: string | undefined, key: Uint8Array | null, signed: Signed): string | null {
    const read = readSignature(header);
    if ('refused' in read) throw new RequestRefused(401, read.refused);
    if (!key) throw new RequestRefused(401, 'x_memory_sig_no_enrolled_key');
    const has_nonce = nonce !== undefined && nonce !== '' && nonce.length <= MAX_NONCE_CHARS;
    if (!has_nonce && (this.#parts.policy.require_nonce || nonce !== undefined))
      throw new RequestRefused(401, 'x_memory_nonce_missing');
    const covered = has_nonce ? nonce : null;
    if (!isSignedBy(key, read.signature, signed, covered)) throw new RequestRefused(401, 'x_memory_sig_bad_signature');
    return covered;
  }
}
