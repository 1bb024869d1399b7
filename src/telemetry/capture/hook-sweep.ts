import type { EngineStore } from '../../engine/store.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Capture } from './capture.ts';

export interface HookSweepOptions {
  capture: Capture;
  store: EngineStore;
  clock: Clock;
  spool_dir: string;
}

/** Takes what the hooks left in the spool into the journal. */
export class HookSweep {
  readonly options: HookSweepOptions;

  constructor(options: HookSweepOptions) {
    this.options = options;
  }

  /** Returns how many entries were appended. */
  async sweep(_signal: AbortSignal): Promise<number> {
    return 0;
  }
}
