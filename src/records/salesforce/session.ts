import type { Clock } from '../../platform/clock.ts';
import { ForbiddenError } from '../../platform/errors.ts';
import { type SignIn, SignInRefused, type Token } from './sign-in/token.ts';

/** A token that was never accepted, and is younger, is not at fault when it is refused: asking for yet another would be a loop. */
const FRESH_MS = 60_000;
/**
 * The token of one org, in memory only. All callers share one sign-in at a time. A sign-in that Salesforce refused for
 * good (`invalid_grant`, `invalid_client`) is remembered and told again without asking, until `forgetRefusal`.
 */
export class SalesforceSession {
  readonly #sign_in: SignIn;
  readonly #clock: Clock;
  #token: Token | null = null;
  #since_ms = 0;
  #accepted = false;
  #running: Promise<Token> | null = null;
  #refused: ForbiddenError | null = null;
  /** A sign-in does not end because the one who waited first has gone; its requests have ends of their own. */
  readonly #unending = new AbortController();

  constructor({ sign_in, clock }: { sign_in: SignIn; clock: Clock }) {
    this.#sign_in = sign_in;
    this.#clock = clock;
  }

  /** The token, after a sign-in when there is none yet. Throws what the sign-in throws, or the signal's reason. */
  async token(signal: AbortSignal): Promise<Token> {
    return this.#token ?? (await this.#signIn(signal));
  }

  /**
   * A token other than the one that was refused with 401. Several callers with one refused token cause one sign-in.
   * @throws ForbiddenError `salesforce.session` when the refused one was new
   */
  async renewed(refused: Token, signal: AbortSignal): Promise<Token> {
    if (this.#token !== null && this.#token !== refused) return this.#token;
    const fresh = !this.#accepted && this.#clock.monotonic_ms() - this.#since_ms < FRESH_MS;
    if (this.#running === null && fresh)
      throw new ForbiddenError('salesforce.session', 'Salesforce does not accept a token that it has just given', {
        hint: 'Check the session policies of the connected app (IP ranges, API access), then resume.',
      });
    return this.#signIn(signal);
  }

  /** A call with this token was answered otherwise than with 401. */
  accepted(token: Token): void {
    if (token === this.#token) this.#accepted = true;
  }

  /** Lets the next caller ask again, after a person has put right what was refused. */
  forgetRefusal(): void {
    this.#refused = null;
    this.#since_ms = -Infinity;
  }

  async #signIn(signal: AbortSignal): Promise<Token> {
    signal.throwIfAborted();
    if (this.#refused !== null) throw this.#refused;
    this.#running ??= this.#signInOnce().finally(() => (this.#running = null));
    return orAborted(this.#running, signal);
  }

  async #signInOnce(): Promise<Token> {
    try {
      const token = await this.#sign_in(this.#unending.signal);
      this.#token = token;
      this.#accepted = false;
      this.#since_ms = this.#clock.monotonic_ms();
      return token;
    } catch (error) {
      if (error instanceof SignInRefused) this.#refused = error;
      throw error;
    }
  }
}

/** The promise, or the signal's reason when that comes first; the promise itself goes on. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', stop));
}
