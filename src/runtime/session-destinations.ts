import { resolveSecret } from '../config/secret.ts';
import { systemTimers } from '../platform/timers.ts';
import { programVersion } from '../platform/version.ts';
import type { RecordedRequest } from '../sessions/delivery/recording-writer.ts';
import { SessionDestination, type SessionDestinationOptions } from '../sessions/delivery/session-destination.ts';
import { KEEP_ALL, sharingPolicy, type SharingConfig, type SharingPolicy } from '../sessions/delivery/sharing.ts';
import type { SessionLinks } from '../sessions/delivery/session-links.ts';
import type { ConfiguredSharing } from '../sessions/delivery/sharing-rules.ts';
import type { SessionStore } from '../sessions/store/session-store.ts';
import type { TranscriptState } from '../sessions/store/transcript.ts';
import { HttpTranscriptWriter } from '../sessions/wire/http-writer.ts';
import { goneRequest, putRequest, removeRequest, type TranscriptRequest } from '../sessions/wire/transcript-request.ts';
import { LazyPostgresWriter } from './lazy-postgres-writer.ts';
import type { SessionsInputs } from './sessions-inputs.ts';
import { SERVER_TEAM } from './tokens.ts';

/** The store of this machine, always a destination of conversations that are kept. */
export const LOCAL_SESSIONS = 'local';
/** The team's server. */
export const TEAM_SESSIONS = 'team';

/** Raised when sessions are decided by more than before: each is decided anew once. */
const DECIDING = 3;

/** A request ends well before its lease does. */
const CONNECTION = { connect_timeout_ms: 10_000, request_timeout_ms: 45_000, max_connections: 2 } as const;

/**
 * Sessions that go to a database together, this machine's or a team's: while one is written the next is masked, a
 * transaction of PostgreSQL costs about as much as thirty messages, and each settlement a write to this disk. Their puts are
 * the smaller for it, so that what is held meanwhile stays about as large.
 */
const TOGETHER = { most_keys: 8, limits: { put_bytes: 1024 * 1024, put_segments: 64 } };

export interface ConfiguredSessions {
  destination: SessionDestination;
  /** The policy that it decides by. */
  sharing: SharingPolicy;
  /** A request to it as it leaves. */
  shown: (request: RecordedRequest) => Pick<TranscriptRequest, 'path' | 'body'> & { method: string };
  /** Which store stands there now; null: it does not say. @throws what its writer throws */
  identity: (signal: AbortSignal) => Promise<string | null>;
  /** What it has of a key; null: nothing. @throws what its writer throws */
  state: (key: string, signal: AbortSignal) => Promise<TranscriptState | null>;
  required: boolean;
  insecure: boolean;
  /** Null: all of it, always. */
  shares: ConfiguredSharing | null;
  close: () => Promise<void>;
}

/** What every destination of one journal shares. */
export type SharedParts = Pick<
  SessionDestinationOptions,
  'catalogue' | 'choices' | 'projects' | 'holds' | 'isPrivate' | 'sealed' | 'secret'
> & {
  links: SessionLinks;
  store: SessionStore;
  /** Names this machine in every key. */
  installation: string;
};

/** Every store of conversations that the configuration names, the local one first. */
export function sessionDestinations(inputs: SessionsInputs, shared: SharedParts): ConfiguredSessions[] {
  return [localStore(inputs, shared), ...teamServer(inputs, shared), ...databases(inputs, shared)];
}

function localStore({ options, hashing, salts }: SessionsInputs, shared: SharedParts): ConfiguredSessions {
  const { store: writer, installation, ...rest } = shared;
  const salt = (salts.team ?? salts.machine).bytes;
  const who = { device_id: installation, member: 'local', device: 'local' };
  const destination = new SessionDestination({
    ...rest,
    id: LOCAL_SESSIONS,
    writer,
    team_id: options.team_id,
    owner: installation,
    context: { hashing, salt, ...who, names: true, is_local: true },
    tags: true,
    sharing: KEEP_ALL,
    clock: options.clock,
    ...TOGETHER,
  });
  return {
    ...{ destination, sharing: KEEP_ALL, shown: written, required: true, insecure: false, shares: null },
    identity: () => writer.identity(),
    state: (key) => writer.state(options.team_id, key),
    close: async () => undefined,
  };
}

/** The server of the team, once sharing is switched on; while something of it is there, also after it was switched off. */
function teamServer(inputs: SessionsInputs, shared: SharedParts): ConfiguredSessions[] {
  const { options, hashing, salts } = inputs;
  const { config, file: config_file } = options.loaded;
  const { team, sessions } = config;
  if (!team || !salts.team) return [];
  if (sessions.share === 'none' && !shared.links.any(TEAM_SESSIONS)) return [];
  const token = resolveSecret(team.token, { key: 'team.token', config_file, env: options.env });
  const { url, insecure } = team;
  const writer = new HttpTranscriptWriter({
    ...{ url, token, insecure, timers: systemTimers, version: programVersion() },
    ...CONNECTION,
  });
  const { store: _store, installation, ...rest } = shared;
  const who = { device_id: installation, member: '', device: '' };
  const rules: SharingConfig = {
    share: sessions.share,
    projects: sessions.projects,
    team_projects: team.projects,
    hold_ms: sessions.hold,
    since_ms: salts.team_began_ms,
    user_home: options.env['HOME'] ?? '',
  };
  const team_id = team.id ?? SERVER_TEAM;
  const sharing = sharingPolicy(rules);
  const destination = new SessionDestination({
    ...rest,
    id: TEAM_SESSIONS,
    writer,
    team_id,
    owner: installation,
    context: { hashing, salt: salts.team.bytes, ...who, names: team.names, is_local: false },
    tags: true,
    sharing,
    clock: options.clock,
  });
  const shares = { rules: { ...rules, names: team.names, deciding: DECIDING }, place: { url, team_id } };
  const shown = (request: RecordedRequest): TranscriptRequest => asked(team_id, request);
  const known = { destination, sharing, shown, shares, required: true, insecure };
  return [
    {
      ...known,
      identity: (signal) => writer.identity(signal),
      state: (key, signal) => writer.state(team_id, key, signal),
      close: () => writer.close(),
    },
  ];
}

/** The databases of teams that conversations are written to without a server in front; nothing leaves unless projects are named. */
function databases(inputs: SessionsInputs, shared: SharedParts): ConfiguredSessions[] {
  const { options, hashing, salts } = inputs;
  const { config, file: config_file } = options.loaded;
  const { store: _store, installation, ...rest } = shared;
  return config.sessions.destination.flatMap(({ name, url: reference, team_id, member, projects, names }, i) => {
    if (projects.length === 0 && !shared.links.any(name)) return [];
    const url = resolveSecret(reference, { key: `sessions.destination[${i}].url`, config_file, env: options.env });
    const who = { device_id: installation, member, device: installation.slice(0, 8) };
    const { clock, timers, random } = options;
    const writer = new LazyPostgresWriter({ url, clock, timers, random });
    const rules: SharingConfig = {
      share: 'projects',
      projects,
      team_projects: projects,
      hold_ms: config.sessions.hold,
      since_ms: null,
      user_home: options.env['HOME'] ?? '',
    };
    const sharing = sharingPolicy(rules);
    const destination = new SessionDestination({
      ...rest,
      id: name,
      writer,
      team_id,
      owner: installation,
      context: { hashing, salt: (salts.team ?? salts.machine).bytes, ...who, names, is_local: false },
      tags: true,
      sharing,
      clock,
      ...TOGETHER,
    });
    // Without what signs in: a new password is no other database.
    const { host = '', pathname = '' } = URL.parse(url) ?? {};
    const shares = { rules: { ...rules, names, member, deciding: DECIDING }, place: { host, pathname, team_id } };
    const known = { destination, sharing, shown: written, shares };
    const parts = { ...known, required: true, insecure: false };
    const state: ConfiguredSessions['state'] = (key, signal) => writer.state(team_id, key, signal);
    return [{ ...parts, identity: () => writer.identity(), state, close: () => writer.close() }];
  });
}

/** What a team's server is asked. */
function asked(team_id: string, request: RecordedRequest): TranscriptRequest {
  switch (request.kind) {
    case 'put':
      return putRequest(team_id, request.put);
    case 'gone':
      return goneRequest(team_id, request.gone);
    case 'remove':
      return removeRequest(team_id, request.key, request.reason);
  }
}

/** What a store is given without a server in front; it makes rows of it. */
function written(request: RecordedRequest): { method: string; path: string; body: string } {
  switch (request.kind) {
    case 'put':
      return { method: 'WRITE', path: request.put.key, body: JSON.stringify(request.put) };
    case 'gone':
      return { method: 'MARK', path: request.gone.key, body: JSON.stringify(request.gone) };
    case 'remove':
      return { method: 'REMOVE', path: request.key, body: '' };
  }
}
