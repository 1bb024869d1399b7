import { allEnded } from '../engine/pass.ts';
import { SynclineError, UsageError } from '../platform/errors.ts';
import type { DataDirectory } from './data-directory.ts';
import { removeCopies } from '../storage/sqlite/migrations.ts';
import { eraseMemories, isOnlyOfMemories } from './memory-erasure.ts';
import { LOCAL_STORE } from './destinations.ts';
import { localReader } from './local-reader.ts';
import type { EraseQuery, EraseResult, ErasedAt, ErasedSession } from './operator.ts';
import type { DoomedSession } from './session-erasure.ts';

/** How long a wait for acknowledgements goes before it asks again. */
const LOOK_AGAIN_MS = 250;

/** What a verb of erasing is about. */
interface Doomed {
  conversations: DoomedSession[];
  /** Hashes of telemetry's sessions. */
  hashes: string[];
  /** Of a search for text: in how many messages of each key it stands. */
  matches: ReadonlyMap<string, number> | null;
}

/**
 * Erases sessions and memories here and has every destination with a delete verb asked to (R11). Once it has returned nothing of them is
 * in any file of the data directory but a tombstone; `everywhere` also waits until the destinations have confirmed.
 * @throws SynclineError `session.unknown`, `sessions.ambiguous`, UsageError `erase.choice`, `erase.server`, StaleError
 */
export async function erase(directory: DataDirectory, query: EraseQuery): Promise<EraseResult> {
  if (isOnlyOfMemories(query)) return withMemories(directory, query, nothingOf(query));
  requireOneChoice(query);
  if (directory.options.role !== 'laptop')
    throw new UsageError('erase.server', 'A server erases what its members erase', {
      hint: 'Run it on the machine that the session was on; its server is told.',
    });
  const doomed = await chosen(directory, query);
  const keys = doomed.conversations.map(({ key }) => key);
  const erasure = directory.sessions?.erasure ?? null;
  const known = directory.store.countSessions(directory.options.team_id, doomed.hashes);
  const counts = {
    conversations: erasure?.fresh(keys).length ?? 0,
    messages: doomed.conversations.reduce((sum, { messages }) => sum + messages, 0),
    telemetry_sessions: known,
    sessions: listed(directory, doomed),
  };
  const sent = await directory.sentTo(doomed.hashes);
  const elsewhere: Elsewhere = { keys, hashes: [...new Set([...doomed.hashes, ...[...sent.values()].flat()])] };
  if (!query.dry_run) {
    // Who is to be asked comes first: what is erased here says no more where it went.
    directory.erasures.ask(sent);
    // Telemetry before conversations: as long as the conversation is there, it names the telemetry that belongs to it.
    if (doomed.hashes.length > 0) await directory.eraseTelemetry(doomed.hashes);
    if (keys.length > 0) await erasure?.erase(keys);
    if (keys.length + doomed.hashes.length > 0) removeCopies(directory.options.paths.home);
    if (query.everywhere) await deliver(directory, elsewhere, query.timeout_ms);
  }
  const destinations = [
    ...conversationsAt(directory, keys),
    ...telemetryAt(directory, elsewhere, query.dry_run ? sent : new Map()),
  ];
  return withMemories(directory, query, { dry_run: query.dry_run, ...counts, destinations });
}

async function withMemories(directory: DataDirectory, query: EraseQuery, result: EraseResult): Promise<EraseResult> {
  const memory = await eraseMemories(directory, query);
  return memory === undefined ? result : { ...result, memory };
}

function nothingOf({ dry_run }: EraseQuery): EraseResult {
  return { dry_run, conversations: 0, messages: 0, telemetry_sessions: 0, sessions: [], destinations: [] };
}

/** What is erased, as the other places know it. */
interface Elsewhere {
  keys: string[];
  hashes: string[];
}

function requireOneChoice({ session, project, before_ms, match }: EraseQuery): void {
  if ([session, project, before_ms, match].filter((choice) => choice !== null).length !== 1)
    throw new UsageError(
      'erase.choice',
      'Say what to erase by exactly one of --session, --project, --before, --match, --memory, --namespace',
      {
        hint: 'syncline erase --session ID --dry-run',
      },
    );
  if (match?.trim() === '')
    throw new UsageError('erase.match', 'There is no text to look for', {
      field: '--match',
      hint: 'Give the text as it stands: syncline erase --match "Project Heron" --dry-run',
    });
}

async function chosen(directory: DataDirectory, query: EraseQuery): Promise<Doomed> {
  if (query.session !== null) return oneSession(directory, query.session);
  return query.match !== null ? containing(directory, query.match) : matching(directory, query);
}

/** Wherever text is kept here: conversations, telemetry with content, what waits to be delivered, dead letters. */
async function containing(directory: DataDirectory, text: string): Promise<Doomed> {
  const { sessions, store, engine, options } = directory;
  const named = new Set([
    ...store.sessionsContaining(options.team_id, text),
    ...(await engine.subjectsContaining(text)),
  ]);
  const found = await sessions?.erasure.containing(text, named);
  const conversations = found?.sessions ?? [];
  const hashes = [...new Set([...telemetryOf(directory, conversations), ...named])];
  return { conversations, hashes, matches: found?.matches ?? new Map() };
}

/** Conversations with what their subagents hold counted as theirs, then what telemetry alone knows of. */
function listed({ labels }: DataDirectory, { conversations, hashes, matches }: Doomed): ErasedSession[] {
  const of_conversations = new Set(conversations.flatMap(({ session_hash, native_id }) => [session_hash, native_id]));
  const rows = conversations
    .filter(({ is_subagent }) => !is_subagent)
    .map(({ key, native_id, agent, project, started_at_ms, messages }): ErasedSession => {
      const found = matches === null ? null : (matches.get(key) ?? 0);
      return { key, native_id, agent, project, started_at_ms, messages, matches: found };
    });
  const alone = new Map<string, ErasedSession>();
  for (const hash of hashes) {
    const label = labels.find(hash);
    if (of_conversations.has(hash) || (label && of_conversations.has(label.name))) continue;
    const project = label ? (labels.find(label.detail)?.detail ?? null) : null;
    alone.set(label?.name ?? hash, {
      ...{ key: null, native_id: label?.name ?? null, agent: null, project, started_at_ms: null, messages: 0 },
      matches: matches === null ? null : 0,
    });
  }
  return [...rows.toSorted((a, b) => (b.started_at_ms ?? 0) - (a.started_at_ms ?? 0)), ...alone.values()];
}

async function oneSession(directory: DataDirectory, id: string): Promise<Doomed> {
  const conversations = (await directory.sessions?.erasure.named(id)) ?? [];
  if (conversations.length > 0) return { conversations, hashes: telemetryOf(directory, conversations), matches: null };
  const named = directory.labels.sessionsNamed(id);
  const [name, ...others] = new Set(named.map((label) => label.name));
  // Erased before, and nothing here has its name any more; where it was sent, it may still be on its way out.
  const asked = directory.hashesOf(id);
  if (name === undefined && directory.erasures.at(asked).length > 0)
    return { conversations: [], hashes: asked, matches: null };
  if (others.length > 0)
    throw new SynclineError('session.ambiguous', 'Several sessions begin with these characters', {
      hint: 'Give more of the id; `syncline telemetry list` shows them.',
    });
  if (name === undefined)
    throw new SynclineError('session.unknown', 'There is nothing here of a session with this id', {
      hint: '`syncline sessions list` and `syncline telemetry list` show what there is.',
    });
  // Telemetry takes the beginning of an agent's id, conversations only all of it: one word means both or neither.
  const whole = (await directory.sessions?.erasure.named(name)) ?? [];
  const hashes = new Set([...named.map(({ hash }) => hash), ...telemetryOf(directory, whole)]);
  return { conversations: whole, hashes: [...hashes], matches: null };
}

/** All hashes of the sessions' telemetry: what came before the team's salt is under the machine's. */
function telemetryOf({ labels, hashesOf, erasures }: DataDirectory, conversations: readonly DoomedSession[]): string[] {
  const hashes = new Set<string>();
  const all = labels.all('session');
  const names = new Map(all.map(({ hash, name }) => [hash, name]));
  const wanted = new Set<string>();
  for (const { session_hash, native_id } of conversations) {
    if (native_id !== '') wanted.add(native_id);
    if (session_hash === null) continue;
    hashes.add(session_hash);
    const name = names.get(session_hash);
    if (name !== undefined) wanted.add(name);
  }
  for (const { hash, name } of all) if (wanted.has(name)) hashes.add(hash);
  // Of what was erased before there is no label; what destinations were asked for is known by the hash.
  const asked = [...wanted].flatMap((name) => hashesOf(name));
  if (erasures.at(asked).length > 0) for (const hash of asked) hashes.add(hash);
  return [...hashes];
}

async function matching(directory: DataDirectory, { project, before_ms }: EraseQuery): Promise<Doomed> {
  const { sessions, store, labels } = directory;
  const filter = {
    ...(project === null ? {} : { project }),
    ...(before_ms === null ? {} : { until_ms: before_ms }),
  };
  const conversations = (await sessions?.erasure.matching(filter)) ?? [];
  // A project goes by the name that conversations have for it, host and owner included.
  const reader = { ...localReader(directory)(), project_names: (hash: string) => labels.find(hash)?.detail ?? null };
  const named = store.sessionsOf(reader, { project, before_ms });
  return { conversations, hashes: [...new Set([...telemetryOf(directory, conversations), ...named])], matches: null };
}

/** Sends until every place that can has confirmed, nothing moves any more, or the time is over. */
async function deliver(directory: DataDirectory, elsewhere: Elsewhere, timeout_ms: number): Promise<void> {
  const { sessions, erasures, options } = directory;
  const { clock, timers } = options;
  const over = new AbortController();
  const deadline_ms = clock.monotonic_ms() + timeout_ms;
  void timers.sleep(timeout_ms, over.signal).then(() => over.abort());
  try {
    while (!over.signal.aborted && isWaiting(directory, elsewhere)) {
      const deliveries = [...(sessions?.deliveries.values() ?? [])];
      const passes: Promise<unknown>[] = deliveries.map((delivery) => delivery.pass(over.signal));
      await allEnded([...passes, erasures.pass(over.signal)]);
      if (clock.monotonic_ms() >= deadline_ms) return;
      if (isWaiting(directory, elsewhere)) await timers.sleep(LOOK_AGAIN_MS, over.signal);
    }
  } finally {
    over.abort();
  }
}

function isWaiting({ sessions, erasures }: DataDirectory, { keys, hashes }: Elsewhere): boolean {
  const conversations = sessions?.erasure.elsewhere(keys) ?? [];
  return conversations.some(({ queued }) => queued > 0) || erasures.at(hashes).some(({ waiting }) => waiting > 0);
}

function conversationsAt({ sessions }: DataDirectory, keys: readonly string[]): ErasedAt[] {
  return (sessions?.erasure.elsewhere(keys) ?? []).map(({ destination, erased, queued, unreachable }) => ({
    destination,
    stream: 'sessions',
    state: unreachable > 0 ? 'failed' : queued > 0 ? 'queued' : 'done',
    sessions: erased + queued + unreachable,
    waiting: queued,
    reason: unreachable > 0 ? 'it is configured no more' : null,
  }));
}

/** What was asked for, and what `planned` would ask for besides. */
function telemetryAt(
  { erasures, destinations }: DataDirectory,
  { hashes }: Elsewhere,
  planned: ReadonlyMap<string, readonly string[]>,
): ErasedAt[] {
  const asked = erasures.at(hashes).map(({ destination, sessions, waiting, state, reason }): ErasedAt => {
    const row = { destination, stream: 'telemetry', sessions, waiting, reason } as const;
    return { ...row, state: state === 'waiting' ? 'queued' : state };
  });
  const known = new Set(asked.map(({ destination }) => destination));
  const would = [...planned].filter(([destination]) => !known.has(destination) && destination !== LOCAL_STORE);
  return [
    ...asked,
    ...would.map(([destination, { length: sessions }]): ErasedAt => {
      const row = { destination, stream: 'telemetry', sessions } as const;
      const configured = destinations.find(({ destination: { id } }) => id === destination);
      if (!configured) return { ...row, state: 'failed', waiting: 0, reason: 'it is configured no more' };
      if (!configured.eraser) return { ...row, state: 'cannot', waiting: 0, reason: 'it has no way to delete' };
      return { ...row, state: 'queued', waiting: sessions, reason: null };
    }),
  ];
}
