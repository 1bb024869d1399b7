import type { EngineStore, Partition } from '../../engine/store.ts';
import { SCHEMA_VERSION, type TelemetryKind } from '../wire/body.ts';
import type { WorkspaceContext } from './workspace-context.ts';

/**
 * The partitions of telemetry: kind × workspace × schema × rule set × salt (design §3). A new rule set or schema opens a
 * new one whose predecessor is drained first, so that order holds across versions.
 */
export class PartitionBook {
  readonly #store: EngineStore;
  readonly #open = new Map<string, number>();
  /** The same by context: an event asks twice, and a name is put together of four hashes. */
  readonly #known = new WeakMap<WorkspaceContext, Map<TelemetryKind, number>>();
  #existing: Partition[] | undefined;

  constructor(store: EngineStore) {
    this.#store = store;
  }

  /** The same without waiting; undefined = it was not asked for yet. */
  knownId(kind: TelemetryKind, context: WorkspaceContext): number | undefined {
    return this.#known.get(context)?.get(kind);
  }

  async partitionId(kind: TelemetryKind, context: WorkspaceContext): Promise<number> {
    let known = this.#known.get(context);
    if (!known) this.#known.set(context, (known = new Map<TelemetryKind, number>()));
    const partition_id = known.get(kind) ?? (await this.#openPartition(kind, context));
    known.set(kind, partition_id);
    return partition_id;
  }

  async #openPartition(kind: TelemetryKind, context: WorkspaceContext): Promise<number> {
    const place = `${kind}/${context.workspace_hash.slice('blake3:'.length, 'blake3:'.length + 16)}/${context.salt.salt_id}`;
    const name = `${place}/v${SCHEMA_VERSION}/${context.redactor.rule_set}`;
    const open = this.#open.get(name);
    if (open !== undefined) return open;
    const predecessor = await this.#newestOf(place, name);
    const partition = await this.#store.openPartition({
      stream: 'telemetry',
      name,
      header: {
        kind,
        workspace_hash: context.workspace_hash,
        project_name: context.workspace.name,
        schema: SCHEMA_VERSION,
        rule_set: context.redactor.rule_set,
        salt_id: context.salt.salt_id,
      },
      ...(predecessor ? { predecessor } : {}),
    });
    this.#open.set(name, partition.partition_id);
    return partition.partition_id;
  }

  async #newestOf(place: string, name: string): Promise<string | undefined> {
    this.#existing ??= await this.#store.partitions();
    return this.#existing.filter((p) => p.name.startsWith(`${place}/`) && p.name !== name).at(-1)?.name;
  }
}
