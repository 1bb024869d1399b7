import type { JsonValue } from '../../redaction/json.ts';
import type { Redactor } from '../../redaction/redactor.ts';
import { isObject, type JsonObject } from '../json.ts';
import type { Memory, MemoryLink, NamespaceStandard, PendingAction } from '../memory.ts';
import { maskedLinkDetail } from '../mask-link-detail.ts';
import { isPrivate, withheldFrom, type Sharing, type Withheld } from './sharing.ts';
import { wireMemoryOf, type WireMemory } from './wire-memory.ts';

/** Read by policies: a masked name would be another one's. What has to be masked there does not leave at all. */
const NAMES_IN_METADATA = ['agent_id', 'scope', 'governance'];

/**
 * The only door to an old peer: says what of ours may leave to it, and masks every text of it once more. Memories are masked
 * when they are written; but a namespace may have opted out of that, and rules grow.
 */
export class Outgoing {
  readonly sharing: Sharing;
  readonly #redactor: Redactor;

  constructor(sharing: Sharing, redactor: Redactor) {
    this.sharing = sharing;
    this.#redactor = redactor;
  }

  /** Why it must not leave. A namespace or id that had to be masked is none that a peer could be told. */
  withheld(memory: Pick<Memory, 'id' | 'namespace' | 'metadata'>): Withheld | null {
    const reason = withheldFrom(this.sharing, memory);
    return reason ?? (this.#isClean(memory.namespace) && this.#isClean(memory.id) ? null : 'private');
  }

  /** As it leaves. Only of a memory that is not withheld. */
  masked(memory: Memory): WireMemory {
    const wire = wireMemoryOf(memory);
    const { title, content, tags } = wire;
    const text = this.#mask({ title, content, tags: [...tags] }) as Pick<WireMemory, 'title' | 'content' | 'tags'>;
    return { ...wire, ...text, metadata: this.#metadata(wire.metadata), extra: this.#mask(wire.extra) };
  }

  /** A link between two memories, both of which may leave; null: one of them may not. */
  link(link: MemoryLink, ends: readonly Memory[]): MemoryLink | null {
    const { source_id, target_id, relation, written, ...detail } = link;
    const both = [source_id, target_id].every((id) => {
      const end = ends.find((memory) => memory.id === id);
      return end !== undefined && this.withheld(end) === null;
    });
    if (!both || !this.#isClean(relation)) return null;
    return { source_id, target_id, relation, written, ...(maskedLinkDetail(this.#redactor, detail) as typeof detail) };
  }

  /** `memory` is the one that it is about, where it lives; null: must not leave. */
  pending(pending: PendingAction, memory: Memory | null): (JsonObject & { id: string }) | null {
    const { namespace, payload, memory_id, id } = pending;
    if (!this.namespace(namespace)) return null;
    if (memory_id !== null && (memory === null || this.withheld(memory) !== null)) return null;
    const { action_type, status, requested_at, decided_at, decided_by, approvals, requested_by } = pending;
    if (action_type === 'store' && isPrivate(this.sharing, scopeOfPayload(payload))) return null;
    if (!namespacesOfPayload(payload).every((name) => typeof name === 'string' && this.namespace(name))) return null;
    return {
      ...{ id, action_type, memory_id, namespace, status, requested_at },
      payload: this.#mask(payload),
      ...this.#mask({ requested_by, approvals: approvals }),
      ...(decided_by === null ? {} : this.#mask({ decided_by })),
      ...(decided_at === null ? {} : { decided_at }),
    };
  }

  /** A standard whose memory may leave; the name of a parent that is not shared does not. */
  standard(
    namespace: string,
    standard: NamespaceStandard,
    memory: Memory | null,
  ): Pick<NamespaceStandard, 'standard_id' | 'parent' | 'updated_at'> | null {
    if (!this.namespace(namespace) || memory === null || this.withheld(memory) !== null) return null;
    const { standard_id, parent, updated_at } = standard;
    return { standard_id, parent: parent !== null && this.namespace(parent) ? parent : null, updated_at };
  }

  namespace(name: string): boolean {
    return this.sharing.allows(name) && this.#isClean(name);
  }

  #metadata(metadata: JsonObject): JsonObject {
    const names = NAMES_IN_METADATA.flatMap((name) => {
      const value = metadata[name];
      if (value === undefined) return [];
      const same = JSON.stringify(this.#mask({ value })) === JSON.stringify({ value });
      return same ? [[name, value] as const] : [];
    });
    const rest = Object.entries(metadata).filter(([name]) => !NAMES_IN_METADATA.includes(name));
    return { ...this.#mask(Object.fromEntries(rest)), ...Object.fromEntries(names) };
  }

  #mask<T extends JsonObject>(value: T): T {
    return this.#redactor.redactValue(value as JsonValue) as T;
  }

  #isClean(text: string): boolean {
    return this.#redactor.redactText(text) === text;
  }
}

/** Of what an approved `store` would make: a draft (`writes/store-memory.ts`), or an old peer's request. */
function scopeOfPayload(payload: JsonObject): unknown {
  return payload['scope'] ?? memberOf(payload['metadata'], 'scope');
}

/** Namespaces that an approval would write to, besides the one of the action itself. */
function namespacesOfPayload(payload: JsonObject): unknown[] {
  const named = [payload['to_namespace'], payload['namespace'], memberOf(payload['fields'], 'namespace')];
  return named.filter((name) => name !== undefined && name !== null);
}

function memberOf(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}
