import type { EngineStore } from '../engine/store.ts';
import type { Clock } from '../platform/clock.ts';
import { SynclineError } from '../platform/errors.ts';
import { globMatcher } from '../platform/glob.ts';
import type { KnownSessions } from '../sessions/capture/known-sessions.ts';
import type { RecordedRequest } from '../sessions/delivery/recording-writer.ts';
import type { SessionDestinationOptions } from '../sessions/delivery/session-destination.ts';
import { SessionForecaster, type SessionForecast } from '../sessions/delivery/session-preview.ts';
import type { SessionProject } from '../sessions/delivery/session-project.ts';
import type { SessionStore } from '../sessions/store/session-store.ts';
import { LOCAL_SESSIONS, type ConfiguredSessions } from './session-destinations.ts';
import type { PreviewedRequest, PreviewedSession, SessionsPreview, SessionsPreviewQuery } from './session-verbs.ts';

export interface PreviewParts {
  engine: EngineStore;
  known: KnownSessions;
  store: SessionStore;
  destinations: readonly ConfiguredSessions[];
  delivery: Pick<SessionDestinationOptions, 'catalogue' | 'projects' | 'links' | 'holds' | 'clock'>;
  team_id: string;
  clock: Clock;
}

/** Most bytes of bodies in one preview: they are held, and go to the terminal through one reply. */
const MOST_BYTES = 16 * 1024 * 1024;
/** How long a preview looks for what would leave among what stays. */
const LOOKING_MS = 20_000;
const KEYS_AT_ONCE = 1_000;
/** Without a team there is nothing that waits for it; the newest show what one would see. */
const NEWEST = 1_000;

/**
 * What would leave of conversations, for each store besides the local one; with none, what the local one gets, so that
 * anybody can see what a team would see. Sends nothing, claims nothing, changes nothing.
 */
export async function previewSessions(parts: PreviewParts, query: SessionsPreviewQuery): Promise<SessionsPreview> {
  const remote = parts.destinations.filter(({ destination }) => destination.id !== LOCAL_SESSIONS);
  const shown = remote.length > 0 ? remote : parts.destinations;
  const named = query.session === null ? null : await keysNamed(parts, query.session);
  const preview: SessionsPreview = { sessions: [], staying: [], is_cut: false };
  for (const destination of shown) await new Look(parts, query, destination, preview).at(named);
  return preview;
}

/** @throws SynclineError `session.unknown`, `sessions.ambiguous` */
async function keysNamed({ store, known, team_id }: PreviewParts, id: string): Promise<string[]> {
  const kept = await store.find({ team_id }, id);
  const keys = kept ? [kept.key] : known.named(id);
  if (keys.length === 1) return keys;
  if (keys.length > 1)
    throw new SynclineError('sessions.ambiguous', `${keys.length} conversations have ids that begin so`, {
      hint: 'Give more of the id.',
    });
  throw new SynclineError('session.unknown', 'There is no conversation with this id', {
    hint: '`syncline sessions list` shows them; its first eight characters are enough.',
  });
}

/** One look at what one destination would be sent. */
class Look {
  readonly #parts: PreviewParts;
  readonly #query: SessionsPreviewQuery;
  readonly #to: ConfiguredSessions;
  readonly #preview: SessionsPreview;
  readonly #until_ms: number;
  readonly #staying = new Map<string, number>();
  #requests = 0;
  #bytes = 0;

  constructor(parts: PreviewParts, query: SessionsPreviewQuery, to: ConfiguredSessions, preview: SessionsPreview) {
    this.#parts = parts;
    this.#query = query;
    this.#to = to;
    this.#preview = preview;
    this.#until_ms = parts.clock.monotonic_ms() + LOOKING_MS;
  }

  /** `named` null: whatever comes next. */
  async at(named: readonly string[] | null): Promise<void> {
    const destination = this.#to.destination.id;
    const forecaster = this.#forecaster(named !== null);
    const { signal } = new AbortController();
    const seen = new Set<string>();
    for await (const key of named ?? this.#next()) {
      if (seen.has(key)) continue;
      seen.add(key);
      if (this.#isFull()) {
        this.#preview.is_cut = true;
        break;
      }
      const forecast = await forecaster.of(key, signal);
      if (forecast !== null) this.#note(forecast, named !== null);
    }
    for (const [reason, sessions] of this.#staying)
      this.#preview.staying.push({
        destination,
        reason: reason as SessionsPreview['staying'][number]['reason'],
        sessions,
      });
  }

  #forecaster(is_named: boolean): SessionForecaster {
    const { delivery } = this.#parts;
    const { project, limit } = this.#query;
    const { destination, sharing } = this.#to;
    const is_local = destination.id === LOCAL_SESSIONS;
    const matches = project === null ? null : globMatcher(project);
    return new SessionForecaster(destination, {
      options: { ...delivery, sharing },
      from_nothing: is_local,
      wanted: (of) => is_named || matches === null || namesOf(of).some(matches),
      most_requests: limit,
    });
  }

  /** Keys that wait; then those that are still to be named to a destination that came later or has other rules now. */
  async *#next(): AsyncGenerator<string, void> {
    const { engine, known, store, clock, team_id } = this.#parts;
    const { id } = this.#to.destination;
    if (id === LOCAL_SESSIONS) {
      const { sessions } = await store.list({ team_id }, { subagents: true }, { limit: NEWEST, after: null });
      for (const { key } of sessions) yield key;
    }
    for (const { key } of await engine.keyed.waiting(id, clock.now_ms(), Number.MAX_SAFE_INTEGER)) yield key;
    const row = (await engine.destinations()).find(({ destination_id }) => destination_id === id);
    for (let from = row?.backfill ?? null; from !== null;) {
      const page = known.page(from, KEYS_AT_ONCE);
      for (const { key } of page) yield key;
      from = page.length < KEYS_AT_ONCE ? null : (page.at(-1)?.key ?? null);
    }
  }

  #isFull(): boolean {
    const { clock } = this.#parts;
    const is_late = clock.monotonic_ms() >= this.#until_ms;
    return is_late || this.#requests >= this.#query.limit || this.#bytes >= MOST_BYTES;
  }

  #note(forecast: SessionForecast, is_named: boolean): void {
    if (forecast.stays !== null && !is_named) {
      if (forecast.stays !== 'there') this.#staying.set(forecast.stays, (this.#staying.get(forecast.stays) ?? 0) + 1);
      return;
    }
    const requests = forecast.requests.map((request) => this.#shown(request));
    // One that only waits takes a line, too: no list is longer than was asked for.
    this.#requests += Math.max(1, requests.length);
    this.#bytes += requests.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#preview.sessions.push(this.#previewed(forecast, requests));
  }

  #previewed(forecast: SessionForecast, requests: PreviewedRequest[]): PreviewedSession {
    const { key, project, stays, problem, held_until_ms, is_cut } = forecast;
    const last = forecast.requests.findLast((request) => request.kind === 'put');
    return {
      key,
      destination: this.#to.destination.id,
      project: project?.label ?? null,
      requests,
      is_cut,
      stays,
      problem,
      held_until_ms,
      removed: last?.kind === 'put' ? last.put.head.redactions : {},
    };
  }

  #shown(request: RecordedRequest): PreviewedRequest {
    const { method, path, body = '' } = this.#to.shown(request);
    const messages =
      request.kind === 'put' ? request.put.segments.reduce((sum, one) => sum + one.messages.length, 0) : 0;
    return { kind: request.kind, method, path, messages, bytes: Buffer.byteLength(body), body };
  }
}

function namesOf({ identity, label }: SessionProject): string[] {
  const names = [identity ?? '', label];
  return [...names, ...names.map((name) => name.split('/').at(-1) ?? '')];
}
