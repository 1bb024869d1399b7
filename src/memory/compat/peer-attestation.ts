import { z } from 'zod';
import { UsageError } from '../../platform/errors.ts';

const grants = z.record(
  z.string().min(1).max(128),
  z.object({
    /** Ids that this peer may name as sender, exactly; none: only its own. */
    allowed_sender_agent_ids: z.array(z.string()).default([]),
    /** `*` is one segment, `**` any number of them. */
    allowed_namespaces: z.array(z.string()).optional(),
  }),
);

/** What each peer may say and see, by its id (`x-peer-id`); the JSON of `AI_MEMORY_FED_PEER_ATTESTATION` (§5.5). */
export class PeerAttestation {
  readonly #grants: ReadonlyMap<string, Grant>;

  private constructor(entries: ReadonlyMap<string, Grant>) {
    this.#grants = entries;
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
      },
    ]);
    return new PeerAttestation(new Map(entries));
  }

  /** With no list every peer may speak for itself, and none may read. */
  static readonly none: PeerAttestation = new PeerAttestation(new Map());

  /** Whether a list exists at all; a peer that is not in it is then refused (`x_peer_id_not_in_allowlist`). */
  get isConfigured(): boolean {
    return this.#grants.size > 0;
  }

  knows(peer: string): boolean {
    return this.#grants.has(peer);
  }

  maySendAs(peer: string, sender_agent_id: string): boolean {
    const grant = this.#grants.get(peer);
    return grant ? grant.senders.has(sender_agent_id) : peer === sender_agent_id;
  }

  /** Null: the peer has no list of namespaces. */
  namespacesOf(peer: string): ((namespace: string) => boolean) | null {
    const matchers = this.#grants.get(peer)?.namespaces;
    if (!matchers) return null;
    return (namespace) => matchers.some((matches) => matches(namespace));
  }
}

interface Grant {
  senders: ReadonlySet<string>;
  namespaces: readonly ((namespace: string) => boolean)[] | null;
}

/** Segment by segment, so that a hostile pattern cannot make matching slow. `a/**` also covers `a`. */
function namespaceMatcher(glob: string): (namespace: string) => boolean {
  const pattern = glob.split('/');
  return (namespace) => matchesFrom(pattern, namespace.split('/'));
}

function matchesFrom(pattern: readonly string[], segments: readonly string[]): boolean {
  // Greedy with one step back, as in line-by-line globbing: only the last `**` needs to be tried again.
  let at = 0;
  let segment = 0;
  let star = -1;
  let resumed = 0;
  while (segment < segments.length) {
    if (pattern[at] === '**') {
      star = at++;
      resumed = segment;
    } else if (at < pattern.length && (pattern[at] === '*' || pattern[at] === segments[segment])) {
      at++;
      segment++;
    } else if (star >= 0) {
      at = star + 1;
      segment = ++resumed;
    } else return false;
  }
  return pattern.slice(at).every((rest) => rest === '**');
}
