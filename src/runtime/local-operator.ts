import type { DeadLetter, EngineStore } from '../engine/store.ts';
import { SynclineError, UsageError } from '../platform/errors.ts';
import { uuidv7 } from '../platform/random.ts';
import type { DataDirectory } from './data-directory.ts';
import { localReader } from './local-reader.ts';
import { importTranscripts } from './import-transcripts.ts';
import type { DeadLetterFilter, DeadLetterRow, Operator, StreamName } from './operator.ts';
import { erase } from './erase-verb.ts';
import { flush } from './flush.ts';
import { sessionVerbs } from './session-operator.ts';
import { memoryVerbs } from './memory-verbs.ts';
import { journalsOf } from './journals.ts';
import { preview } from './preview.ts';
import { supersededAmong } from './superseded.ts';
import { statusReport, type RunningState } from './status-report.ts';

/** What only a running daemon can do; without one these verbs say so. */
export interface DaemonVerbs {
  tokens: Pick<Operator, 'createToken' | 'tokens' | 'revokeToken'>;
  openLink: Operator['openLink'] | null;
  stop: Operator['stop'] | null;
  /** Wakes sources and deliveries after a verb gave them work. */
  wake: () => void;
}

/** The operator of an open data directory, in the process that holds it. `actor` stands in each recorded action. */
export function localOperator(
  directory: DataDirectory,
  running: RunningState,
  verbs: DaemonVerbs,
  actor: string,
): Operator {
  const { engine, options } = directory;
  const record: Record = (verb, target, detail) =>
    engine.recordAction({ at_ms: options.clock.now_ms(), actor, verb, target, detail: JSON.stringify(detail) });
  return {
    ...readingVerbs(directory, running),
    ...workingVerbs(directory, verbs, record),
    ...sessionVerbs(directory, verbs.wake, record),
    ...memoryVerbs(directory.memory?.access ?? null),
    ...deadLetterVerbs(directory, verbs, record),
    ...pauseVerbs(directory, verbs, record),
    ...tokenVerbs(verbs, record),
    openLink: (page) => verbs.openLink?.(page) ?? Promise.reject(notRunning()),
    stop: async () => {
      await record('stop', 'daemon', {});
      return verbs.stop?.() ?? Promise.reject(notRunning());
    },
  };
}

/** Writes an operator action; every verb that changes something does. */
type Record = (verb: string, target: string, detail: object) => Promise<void>;

function readingVerbs(
  directory: DataDirectory,
  running: RunningState,
): Pick<Operator, 'status' | 'report' | 'sessions' | 'session' | 'preview'> {
  const { store, labels } = directory;
  const reader = localReader(directory);
  // Names at home (R5): a session is called as its agent calls it, where this machine knows that.
  const named = (hash: string): string => labels.find(hash)?.name ?? hash;
  return {
    status: () => statusReport(directory, running),
    report: async (query) => {
      const report = store.report(reader(), query);
      if (query.by !== 'session') return report;
      return { ...report, rows: report.rows.map((row) => ({ ...row, key: named(row.key) })) };
    },
    sessions: async (query) => store.sessions(reader(), query).map((row) => ({ ...row, session: named(row.session) })),
    session: async (id) => {
      const account = store.session(reader(), sessionHash(directory, id));
      return { ...account, session: named(account.session) };
    },
    preview: (query) => preview(directory, query),
  };
}

const CHOICES = ['session', 'project', 'match', 'memory', 'namespace'] as const;

function workingVerbs(
  directory: DataDirectory,
  verbs: DaemonVerbs,
  record: Record,
): Pick<Operator, 'flush' | 'importTranscripts' | 'erase'> {
  return {
    erase: async (query) => {
      // Which of them, never the words themselves: what is erased must not stand in the record of its erasure.
      const what = CHOICES.find((choice) => typeof query[choice] === 'string') ?? 'before';
      if (!query.dry_run) await record('erase', what, { everywhere: query.everywhere });
      const result = await erase(directory, query);
      verbs.wake();
      return result;
    },
    flush: async (query) => {
      await record('flush', query.stream ?? 'all', {});
      return flush(directory, query);
    },
    importTranscripts: async (query) => {
      await record('import', query.agent, {});
      const result = await importTranscripts(directory, query);
      verbs.wake();
      return result;
    },
  };
}

function deadLetterVerbs(
  directory: DataDirectory,
  verbs: DaemonVerbs,
  record: Record,
): Pick<Operator, 'deadLetters' | 'deadLetter' | 'retryDeadLetters' | 'discardDeadLetters'> {
  const { options } = directory;
  const engines = journalsOf(directory);
  return {
    deadLetters: async (filter) => {
      const found = await Promise.all(
        engines.map((engine) => engine.deadLetters({ ...queryOf(filter), without_payload: true })),
      );
      return found
        .flat()
        .map(rowOf)
        .sort((a, b) => b.at_ms - a.at_ms)
        .slice(0, filter.limit ?? MOST_LETTERS);
    },
    deadLetter: (id) => deadLetter(directory, id),
    retryDeadLetters: async (filter) => {
      const result = { retried: 0, superseded: 0 };
      for (const engine of engines) await retryIn(engine, filter, options, result);
      await record('dead-letters retry', target(filter), result);
      verbs.wake();
      return result;
    },
    discardDeadLetters: async (filter) => {
      let discarded = 0;
      for (const engine of engines)
        for (const { dead_letter_id } of await engine.deadLetters({ ...queryOf(filter), state: 'open' }))
          if (await engine.discardDeadLetter(dead_letter_id)) discarded++;
      await record('dead-letters discard', target(filter), { discarded });
      return { discarded };
    },
  };
}

async function retryIn(
  engine: EngineStore,
  filter: DeadLetterFilter,
  { clock, random }: DataDirectory['options'],
  result: { retried: number; superseded: number },
): Promise<void> {
  const letters = await engine.deadLetters({ ...queryOf(filter), state: 'open' });
  const superseded = await supersededAmong(engine, letters);
  for (const { dead_letter_id } of letters) {
    if (superseded.has(dead_letter_id)) {
      if (await engine.supersedeDeadLetter(dead_letter_id)) result.superseded++;
    } else if ((await engine.retryDeadLetter(dead_letter_id, uuidv7(clock.now_ms(), random))) === 'retried')
      result.retried++;
  }
}

function pauseVerbs(directory: DataDirectory, verbs: DaemonVerbs, record: Record): Pick<Operator, 'pause' | 'resume'> {
  const { clock } = directory.options;
  const change = async (
    event: 'pause' | 'resume',
    { stream, destination }: { stream: StreamName | null; destination: string | null },
    until_ms: number | null,
  ): Promise<string[]> => {
    const meant = await matching(directory, stream, destination);
    for (const { change: apply } of meant) await apply(event, until_ms);
    return [...new Set(meant.map(({ id }) => id))];
  };
  return {
    pause: async ({ stream, destination, for_ms }) => {
      const until_ms = for_ms === null ? null : clock.now_ms() + for_ms;
      const paused = await change('pause', { stream, destination }, until_ms);
      await record('pause', paused.join(','), { for_ms });
      return { paused };
    },
    resume: async (query) => {
      const resumed = await change('resume', query, null);
      await record('resume', resumed.join(','), {});
      verbs.wake();
      return { resumed };
    },
  };
}

function tokenVerbs({ tokens }: DaemonVerbs, record: Record): Pick<Operator, 'createToken' | 'tokens' | 'revokeToken'> {
  return {
    createToken: async (query) => {
      const made = await tokens.createToken(query);
      await record('token create', made.token_id, { member: query.member, device: query.device, scopes: query.scopes });
      return made;
    },
    tokens: () => tokens.tokens(),
    revokeToken: async (id) => {
      const revoked = await tokens.revokeToken(id);
      await record('token revoke', id, {});
      return revoked;
    },
  };
}

function notRunning(): SynclineError {
  return new UsageError('daemon.not_running', 'Syncline is not running', {
    hint: 'Start it with `syncline up` (in a clone: npm start).',
  });
}

/** A session as its agent names it, or as the wire does. @throws SynclineError `session.ambiguous` */
function sessionHash({ labels }: DataDirectory, id: string): string {
  const named = labels.sessionsNamed(id);
  const native = new Set(named.map(({ name }) => name));
  if (native.size > 1)
    throw new SynclineError('session.ambiguous', `${native.size} sessions begin with these characters`, {
      hint: 'Give more of the id; `syncline telemetry list` shows them.',
    });
  return named[0]?.hash ?? id;
}

/** More than any list is read or any destination refuses before somebody looks. */
const MOST_LETTERS = 10_000;

function queryOf(filter: DeadLetterFilter): Parameters<DataDirectory['engine']['deadLetters']>[0] {
  return {
    stream: filter.stream,
    destination_id: filter.destination,
    state: filter.state,
    ids: filter.ids,
    limit: filter.limit ?? MOST_LETTERS,
  };
}

function target(filter: DeadLetterFilter): string {
  return filter.ids?.join(',') ?? filter.destination ?? filter.stream ?? 'all';
}

function rowOf(letter: DeadLetter): DeadLetterRow {
  return {
    dead_letter_id: letter.dead_letter_id,
    stream: letter.stream as StreamName,
    destination: letter.destination_id,
    partition: letter.partition,
    offset: letter.offset,
    key: letter.key,
    class: letter.class,
    code: letter.code,
    message: letter.message,
    attempts: letter.attempts,
    state: letter.state,
    at_ms: letter.at_ms,
  };
}

async function deadLetter(directory: DataDirectory, id: string): ReturnType<Operator['deadLetter']> {
  const found = await Promise.all(journalsOf(directory).map((engine) => engine.deadLetters({ ids: [id] })));
  const [letter] = found.flat();
  if (!letter)
    throw new SynclineError('dead_letter.unknown', `There is no dead letter ${id}`, {
      hint: '`syncline dead-letters list` shows them.',
    });
  const item_error = { index: 0, code: letter.code, message: letter.message, field: letter.field ?? undefined };
  return { ...rowOf(letter), payload: letter.payload, item_error };
}

/** A destination of any kind, as `pause` and `resume` see it. */
interface Pausable {
  id: string;
  stream: string;
  change: (event: 'pause' | 'resume', until_ms: number | null) => Promise<void>;
}

async function enginesDestinations(directory: DataDirectory): Promise<Pausable[]> {
  const known: Pausable[] = [];
  for (const engine of journalsOf(directory))
    for (const { destination_id: id, stream, state } of await engine.destinations())
      if (state !== 'removed')
        known.push({ id, stream, change: (event, until_ms) => engine.changeDestination(id, event, until_ms) });
  return known;
}

function oldPeersOf({ old_peers }: DataDirectory): Pausable[] {
  if (!old_peers) return [];
  return old_peers.status().map(({ name: id }) => ({
    ...{ id, stream: 'memory' },
    change: async (event, until_ms) => (event === 'pause' ? await old_peers.pause(id, until_ms) : old_peers.resume(id)),
  }));
}

/** Paired machines, by the names that their owner gave them. */
function membersOf({ memory }: DataDirectory): Pausable[] {
  const { peers } = memory ?? {};
  return (peers?.book.peers() ?? []).map(({ name: id }) => ({
    ...{ id, stream: 'memory' },
    change: async (event, until_ms) => (event === 'pause' ? await peers?.pause(id, until_ms) : await peers?.resume(id)),
  }));
}

/** The destinations that a verb means: one by name, or all but the local store, which holds nobody's data back. */
async function matching(
  directory: DataDirectory,
  stream: StreamName | null,
  destination: string | null,
): Promise<Pausable[]> {
  const known = [...(await enginesDestinations(directory)), ...oldPeersOf(directory), ...membersOf(directory)];
  if (destination !== null && !known.some(({ id }) => id === destination))
    throw new UsageError('destination.unknown', `There is no destination named ${destination}`, {
      hint: `Known: ${[...new Set(known.map(({ id }) => id))].join(', ')}.`,
    });
  return known
    .filter(({ id }) => (destination === null ? id !== 'local' : id === destination))
    .filter((row) => stream === null || row.stream === stream);
}
