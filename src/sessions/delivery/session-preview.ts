import type { KeyedOutcome, SendContext } from '../../engine/keyed/destination.ts';
import type { Task } from '../../engine/keyed/store.ts';
import type { SynclineError } from '../../platform/errors.ts';
import { RecordingWriter, type RecordedRequest } from './recording-writer.ts';
import type { SessionDestination, SessionDestinationOptions } from './session-destination.ts';
import type { SessionProject } from './session-project.ts';
import type { SharingDecision, SharingPolicy } from './sharing.ts';

/** Why nothing of a session leaves that was to be looked at. */
export type StayReason =
  | (SharingDecision & { kind: 'not_shared' })['reason']
  /** It is excluded from being read. */
  | 'excluded'
  /** Its folder is gone, and what its repository says was never read. */
  | 'undecided'
  | 'erased'
  /** The store has it as it is. */
  | 'there'
  /** No source has it just now, or it cannot be read. */
  | 'unreadable';

export interface SessionForecast {
  key: string;
  project: SessionProject | null;
  /** In their order; those beyond `most_requests` are not made. */
  requests: RecordedRequest[];
  is_cut: boolean;
  /** Null: something leaves, or waits until `held_until_ms`. */
  stays: StayReason | null;
  /** Code of what keeps it from being read. */
  problem: string | null;
  /** What is younger than the hold leaves then; null: nothing is held. */
  held_until_ms: number | null;
}

export interface ForecastOptions {
  options: Pick<SessionDestinationOptions, 'catalogue' | 'projects' | 'sharing' | 'links' | 'holds' | 'clock'>;
  /** As if the store had nothing: shows a session whole. */
  from_nothing: boolean;
  /** Sessions of other projects are not gone through. */
  wanted: (project: SessionProject) => boolean;
  most_requests: number;
}

interface Noticed {
  project: SessionProject | null;
  decision: SharingDecision | null;
  is_read: boolean;
  is_held: boolean;
  is_unwanted: boolean;
  problem: string | null;
}

const A_MINUTE_MS = 60_000;

/**
 * Tells what a destination would send of a session now, by having the destination itself do everything but send: to a
 * writer that only writes down, with nothing committed. The link is believed, as it is before any first request.
 */
export class SessionForecaster {
  readonly #destination: SessionDestination;
  readonly #writer = new RecordingWriter();
  readonly #options: ForecastOptions;
  #noticed: Noticed = nothingNoticed();

  constructor(destination: SessionDestination, options: ForecastOptions) {
    this.#options = options;
    const { catalogue, projects, sharing, links, holds, clock } = options.options;
    this.#destination = destination.over({
      writer: this.#writer,
      catalogue: {
        find: (key) => catalogue.find(key),
        noteFailure: (_key: string, { code }: SynclineError) => void (this.#noticed.problem = code),
        noteRead: () => void (this.#noticed.is_read = true),
      },
      projects: {
        of: (key, head) => {
          const found = projects.of(key, head);
          this.#noticed.project = found.project;
          return { ...found, writes: [] };
        },
        ofGone: (key) => (this.#noticed.project = projects.ofGone(key)),
      },
      sharing: this.#watched(sharing),
      holds: {
        of: (id, key, now_ms) => {
          const hold = holds.of(id, key, now_ms);
          this.#noticed.is_held = hold !== null && hold.until_ms > clock.now_ms();
          return hold;
        },
        note: holds.note.bind(holds),
        clear: holds.clear.bind(holds),
      },
      links: options.from_nothing ? { read: () => null, write: links.write.bind(links) } : links,
    });
  }

  /** Null: it is of a project that is not asked for. */
  async of(key: string, signal: AbortSignal): Promise<SessionForecast | null> {
    this.#noticed = nothingNoticed();
    let is_cut = false;
    const proceed = (): Promise<boolean> => {
      is_cut = this.#writer.count >= this.#options.most_requests;
      return Promise.resolve(!is_cut);
    };
    const proceedAll: SendContext['proceedAll'] = (tasks) => Promise.all(tasks.map(proceed));
    const context: SendContext = { signal, timeout_ms: A_MINUTE_MS, proceed, proceedAll };
    const outcome = await this.#destination.send(taskOf(this.#destination.id, key), context);
    const requests = this.#writer.taken();
    const { problem, is_read, is_held } = this.#noticed;
    const { projects } = this.#options.options;
    // What is known to be on hold is not read.
    const project = this.#noticed.project ?? (is_held ? projects.ofGone(key) : null);
    if (this.#noticed.is_unwanted || (project !== null && !this.#options.wanted(project))) return null;
    const held_until_ms = (is_read || is_held) && outcome.kind === 'later' ? outcome.until_ms : null;
    const stays = requests.length > 0 || held_until_ms !== null || is_cut ? null : this.#stays(key, outcome);
    return { key, project, requests, is_cut, stays, problem: problem ?? problemOf(outcome), held_until_ms };
  }

  #watched(sharing: SharingPolicy): SharingPolicy {
    return {
      decide: (facts) => {
        this.#noticed.is_unwanted = !this.#options.wanted(facts.project);
        if (this.#noticed.is_unwanted) return { kind: 'undecided' };
        return (this.#noticed.decision = sharing.decide(facts));
      },
    };
  }

  #stays(key: string, outcome: KeyedOutcome): StayReason {
    const { decision, project, is_read, problem } = this.#noticed;
    if (decision?.kind === 'not_shared') return decision.reason;
    if (is_read) return 'there';
    if (problem !== null || outcome.kind === 'later' || outcome.kind === 'failed') return 'unreadable';
    if (project?.captured === false) return 'excluded';
    if (decision?.kind === 'undecided') return 'undecided';
    const state = this.#options.options.catalogue.find(key)?.state;
    return state === 'gone' ? 'there' : state === 'present' ? 'erased' : state === 'deleted' ? 'erased' : 'unreadable';
  }
}

function nothingNoticed(): Noticed {
  return { project: null, decision: null, is_read: false, is_held: false, is_unwanted: false, problem: null };
}

function problemOf(outcome: KeyedOutcome): string | null {
  return outcome.kind === 'failed' ? outcome.failure.code : null;
}

/** A claim that nobody has: nothing is settled with it. */
function taskOf(destination_id: string, key: string): Task {
  return {
    destination_id,
    key,
    fence: 0,
    group: '',
    partition_id: 0,
    subject: null,
    priority: 0,
    since_ms: 0,
    lease_until_ms: 0,
    attempts: 0,
    failures: 0,
    destination_accepted_since: false,
    holds: 0,
  };
}
