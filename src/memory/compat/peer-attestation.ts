import { z } from 'zod';
import { UsageError } from '../../platform/errors.ts';
import { namespaceMatcher } from './namespace-pattern.ts';
import { sharingOf, type Sharing } from './sharing.ts';

const grants = z.record(
  z.string().min(1).max(128),
  z.object({
    /** Ids that this peer may name as sender, exactly; none: only its own. */
    allowed_sender_agent_ids: z.array(z.string()).default([]),
    /** `*` is one segment, `**` any number of them. */
    allowed_namespaces: z.array(z.string()).optional(),
  }),
);

/** A peer as the configuration has it. */
export interface GrantedPeer {
  agent_id: string;
  /** Ids besides its own that it may name as sender. */
  senders: readonly string[];
  /** Patterns of namespaces that it may write to. */
  take: readonly string[];
  sharing: Sharing;
  unsigned: boolean;
}

/** What each peer may say and see, by its id (`x-peer-id`); the JSON of `AI_MEMORY_FED_PEER_ATTESTATION` (§5.5). */
export class PeerAttestation {
  readonly #grants: ReadonlyMap<string, Grant>;
  readonly #is_configured: boolean;

  private constructor(entries: ReadonlyMap<string, Grant>, is_configured: boolean) {
    this.#grants = entries;
    this.#is_configured = is_configured;
  }

  /** @throws UsageError `memory.peer_attestation` naming the field at fault */
  static read(json: unknown): PeerAttestation {
    const parsed = grants.safeParse(json);
    if (!parsed.success) {
      const field = parsed.error.issues[0]?.path.join('.') ?? '';
      throw new UsageError('memory.peer_attestation', 'The list of what peers may do has another form than agreed', {
        field,
        hint: 'Write {"<peer id>": {"allowed_sender_agent_ids": [], "allowed_namespaces": ["team/**"]}}.',
      });
    }
    const entries = Object.entries(parsed.data).map(([peer, grant]): [string, Grant] => [
      peer,
      {
        senders: new Set(grant.allowed_sender_agent_ids.length === 0 ? [peer] : grant.allowed_sender_agent_ids),
        namespaces: grant.allowed_namespaces?.map(namespaceMatcher) ?? null,
        // The list of the original says nothing of memories without a scope; here they are private.
        sharing: grant.allowed_namespaces ? sharingOf(grant.allowed_namespaces, false) : null,
        unsigned: false,
      },
    ]);
    return new PeerAttestation(new Map(entries), entries.length > 0);
  }

  /** What the configuration says of each peer; nobody else is known. */
  static of(peers: readonly GrantedPeer[]): PeerAttestation {
    const entries = peers.map(({ agent_id, senders, take, sharing, unsigned }): [string, Grant] => {
      const matchers = take.map(namespaceMatcher);
      return [agent_id, { senders: new Set([agent_id, ...senders]), namespaces: matchers, sharing, unsigned }];
    });
    return new PeerAttestation(new Map(entries), true);
  }

  /** With no list every peer may speak for itself, and none may read. */
  static readonly none: PeerAttestation = new PeerAttestation(new Map(), false);

  /** Whether a list exists at all; a peer that is not in it is then refused (`x_peer_id_not_in_allowlist`). */
  get isConfigured(): boolean {
    return this.#is_configured;
  }

  knows(peer: string): boolean {
    return this.#grants.has(peer);
  }

  maySendAs(peer: string, sender_agent_id: string): boolean {
    const grant = this.#grants.get(peer);
    return grant ? grant.senders.has(sender_agent_id) : peer === sender_agent_id;
  }

  /** Whether its requests need no signature: nodes before 0.7 cannot make one. */
  maySendUnsigned(peer: string): boolean {
    return this.#grants.get(peer)?.unsigned ?? false;
  }

  /** Whether any of them does, and so leaves out the header with its name, too. */
  get takesNameless(): boolean {
    return [...this.#grants.values()].some(({ unsigned }) => unsigned);
  }

  /** What it may read; null: nobody said. */
  sharingOf(peer: string): Sharing | null {
    return this.#grants.get(peer)?.sharing ?? null;
  }

  /** What it may write; null: the peer has no list of namespaces. */
  namespacesOf(peer: string): ((namespace: string) => boolean) | null {
    const matchers = this.#grants.get(peer)?.namespaces;
    if (!matchers) return null;
    return (namespace) => matchers.some((matches) => matches(namespace));
  }
}

interface Grant {
  senders: ReadonlySet<string>;
  namespaces: readonly ((namespace: string) => boolean)[] | null;
  sharing: Sharing | null;
  unsigned: boolean;
}
