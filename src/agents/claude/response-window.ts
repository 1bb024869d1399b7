import { addPiece, beginResponse, continuesResponse, type Response, type ResponsePiece } from './response.ts';

/** Responses kept for a later line: pieces, a raised output count, the result of a search. */
const WINDOW_RESPONSES = 8;
/** A response whose lines stopped coming for this long was cut off; what it shows is what there is. */
export const RESPONSE_IDLE_MS = 60_000;

/**
 * The latest responses of a file. Which ones are kept depends only on the lines, not on where a step ended or what was
 * emitted, so that growth in any portions gives the same events.
 */
export class ResponseWindow {
  /** Least recently changed first. */
  readonly responses: Response[];
  /** Left the window with something not emitted yet. */
  #leaving: Response[] = [];

  constructor(responses: Response[] = []) {
    this.responses = responses;
  }

  /** Adds a line to the response it continues, or begins a new one, which ends the others of its chain. */
  add(piece: ResponsePiece): Response {
    const known = this.responses.findLast((response) => continuesResponse(response, piece));
    const response = known ?? beginResponse(piece);
    if (known === undefined) {
      this.closeChain(response.chain);
      this.responses.push(response);
    } else this.#touch(known);
    addPiece(response, piece);
    this.#shrink();
    return response;
  }

  /** A prompt or a tool result: the responses before it on the chain are over. */
  closeChain(chain: string): void {
    for (const response of this.responses) if (response.chain === chain) response.closed = true;
  }

  /** Counts searches of the CLI's own tool for the response that asked for them. False when it is no longer kept. */
  creditSearches(first_offset: number, searches: number, at_offset: number): boolean {
    const response = this.responses.find((candidate) => candidate.first_offset === first_offset);
    if (response === undefined) return false;
    response.credited_searches += searches;
    response.changed_at = at_offset;
    this.#touch(response);
    return true;
  }

  /**
   * Takes the responses that are to be emitted now: changed since their last emission, and final as far as the lines
   * tell (stop reason, or something after it on its chain) or, with `idle_before_ms`, older than that.
   */
  takeDue(idle_before_ms: number | null): Response[] {
    const idle = (response: Response): boolean => idle_before_ms !== null && response.last_ts_ms <= idle_before_ms;
    const due = this.responses.filter(
      (response) => isChanged(response) && (response.stop_reason !== null || response.closed || idle(response)),
    );
    const taken = [...this.#leaving, ...due];
    this.#leaving = [];
    return taken;
  }

  /** When the oldest response that is still held counts as cut off, or null when none is held. */
  nextIdle_ms(): number | null {
    const held = this.responses.filter(isChanged);
    if (held.length === 0) return null;
    return Math.min(...held.map((response) => response.last_ts_ms)) + RESPONSE_IDLE_MS;
  }

  #touch(response: Response): void {
    this.responses.splice(this.responses.indexOf(response), 1);
    this.responses.push(response);
  }

  #shrink(): void {
    if (this.responses.length <= WINDOW_RESPONSES) return;
    const oldest = this.responses.shift();
    if (oldest !== undefined && isChanged(oldest)) this.#leaving.push(oldest);
  }
}

function isChanged(response: Response): boolean {
  return response.emitted_at !== response.changed_at;
}
