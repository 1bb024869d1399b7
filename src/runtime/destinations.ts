import type { LoadedConfig } from '../config/load.ts';
import type { Environment } from '../config/environment.ts';
import { OTHER_SALT_HINT, otherSalts } from '../config/salts.ts';
import { resolveSecret } from '../config/secret.ts';
import type { OrderedDestination, PartitionHeader } from '../engine/ordered/destination.ts';
import { UsageError } from '../platform/errors.ts';
import { parseSalt } from '../redaction/hashing.ts';
import type { SessionEraser } from '../telemetry/destinations/erasures.ts';
import { LocalStoreDestination } from '../telemetry/destinations/local-store.ts';
import { TeamServerDestination } from '../telemetry/destinations/team-server.ts';
import type { Labels } from '../telemetry/labels.ts';
import { saltOf, type Salt } from '../telemetry/salts.ts';
import type { StoreThread } from '../telemetry/destinations/store-thread.ts';
import { programVersion } from '../platform/version.ts';
import { globMatcher } from '../platform/glob.ts';
import { systemTimers } from '../platform/timers.ts';
import { SERVER_TEAM } from './tokens.ts';

/** The destination that always exists: what leaves nothing and keeps everything at home. */
export const LOCAL_STORE = 'local';

/** A request ends well before anybody could take it for lost (design §5 rule 5); four suffice for a window of four. */
const CONNECTION = { connect_timeout_ms: 10_000, request_timeout_ms: 60_000, max_connections: 4 } as const;

export interface ConfiguredDestination {
  destination: OrderedDestination;
  /** How it takes back what it was sent; null: it cannot. */
  eraser: SessionEraser | null;
  required: boolean;
  insecure: boolean;
}

export interface DestinationInputs {
  loaded: LoadedConfig;
  env: Environment;
  /** Writes the local store. */
  store_thread: StoreThread;
  labels: Labels;
}

/**
 * The salt of the team in the configuration, under which everything new is hashed; null without a team.
 * @throws UsageError `config.salt` for one that is none, `config.salt_differs` when destinations have different ones.
 */
export function teamSalt({ loaded, env }: Pick<DestinationInputs, 'loaded' | 'env'>): Salt | null {
  const [problem] = otherSalts(loaded, env);
  if (problem)
    throw new UsageError('config.salt_differs', problem.message, { field: problem.key, hint: OTHER_SALT_HINT });
  const target = serverTargets(loaded).find(({ salt }) => salt !== undefined);
  if (!target?.salt) return null;
  const text = resolveSecret(target.salt, { key: `${target.key}.salt`, config_file: loaded.file, env });
  const bytes = parseSalt(text);
  if (!bytes)
    throw new UsageError('config.salt', `${target.key}.salt does not hold 64 hexadecimal digits`, {
      field: `${target.key}.salt`,
      hint: 'Ask whoever runs the team server for the salt; it is the same on every machine of the team.',
    });
  return saltOf(bytes);
}

/** Every destination of telemetry: the local store, then what the configuration names. */
export function telemetryDestinations(inputs: DestinationInputs): ConfiguredDestination[] {
  const local = new LocalStoreDestination({
    id: LOCAL_STORE,
    store: inputs.store_thread,
    member: 'local',
    device: 'local',
  });
  return [
    { destination: local, eraser: null, required: true, insecure: false },
    ...serverTargets(inputs.loaded).map((target) => teamServer(inputs, target)),
  ];
}

interface ServerTarget {
  key: string;
  name: string;
  url: string;
  token: { file: string } | { env: string };
  salt: { file: string } | { env: string } | undefined;
  team_id: string;
  projects: readonly string[];
  names: boolean;
  required: boolean;
  insecure: boolean;
  max_items: number;
  max_body_bytes: number;
}

function serverTargets({ config }: LoadedConfig): ServerTarget[] {
  const listed = config.telemetry.destination.flatMap((section, i): ServerTarget[] =>
    section.type === 'server'
      ? [
          {
            ...section,
            key: `telemetry.destination[${i}]`,
            max_items: section.max_batch_items,
            max_body_bytes: section.max_batch_bytes,
          },
        ]
      : [],
  );
  const { team } = config;
  if (!team) return listed;
  const { salt, id } = team;
  const joined = { ...team, salt, team_id: id ?? SERVER_TEAM, key: 'team', name: 'team', required: true };
  return [{ ...joined, max_items: 500, max_body_bytes: 1_000_000 }, ...listed];
}

function teamServer({ loaded, env, labels }: DestinationInputs, target: ServerTarget): ConfiguredDestination {
  const token = resolveSecret(target.token, { key: `${target.key}.token`, config_file: loaded.file, env });
  const salt =
    target.salt && parseSalt(resolveSecret(target.salt, { key: `${target.key}.salt`, config_file: loaded.file, env }));
  const named = target.projects.map(globMatcher);
  const destination = new TeamServerDestination({
    id: target.name,
    url: target.url,
    token,
    team_id: target.team_id,
    // Without a salt of the team there is nothing that may be sent to it (R2).
    salt_id: salt ? saltOf(salt).salt_id : '',
    project_names: target.names,
    insecure: target.insecure,
    limits: { max_items: target.max_items, max_body_bytes: target.max_body_bytes },
    version: programVersion(),
    timers: systemTimers,
    session_arrays: false,
    ...CONNECTION,
  });
  return {
    destination: onlyProjects(destination, (header) => {
      const identity = labels.find(String(header['workspace_hash']))?.detail;
      return identity !== undefined && named.some((matches) => matches(identity));
    }),
    eraser: destination,
    required: target.required,
    insecure: target.insecure,
  };
}

/** Narrows a destination to the projects whose data may go there (R1). */
function onlyProjects(
  destination: OrderedDestination,
  allowed: (header: PartitionHeader) => boolean,
): OrderedDestination {
  return {
    id: destination.id,
    guarantee: destination.guarantee,
    window: (header) => destination.window(header),
    limits: (header) => destination.limits(header),
    accepts: (stream, header) => destination.accepts(stream, header) && allowed(header),
    encode: (header, items) => destination.encode(header, items),
    envelopeBytes: (header) => destination.envelopeBytes(header),
    send: (batch, signal) => destination.send(batch, signal),
    ...(destination.probe
      ? { probe: (signal: AbortSignal) => destination.probe?.(signal) ?? Promise.resolve(false) }
      : {}),
    close: async () => destination.close?.(),
  };
}
