import type { Clock } from '../../platform/clock.ts';
import { NotFound } from './refusals.ts';
import type { Random } from '../../platform/random.ts';
import type { Redactor } from '../../redaction/redactor.ts';
import type { Tally } from '../../redaction/report.ts';
import type { Caller } from '../memories.ts';
import type { Memory } from '../memory.ts';
import type { Operation, OperationBody, Author } from '../operation.ts';
import { liveMemory } from '../store/reads.ts';
import type { ViewContext } from '../store/views.ts';
import type { Work } from '../store/work.ts';
import type { TierTimes } from './tiers.ts';

export interface WriteSettings {
  device: string;
  clock: Clock;
  random: Random;
  redactor: Redactor;
  /** False: the namespace opted out of redaction (R10). */
  is_redacted: (namespace: string) => boolean;
  tiers: TierTimes;
  /** `enforce`: policies of namespaces hold; `off`: they are not asked. */
  permissions: 'enforce' | 'off';
  pending_timeout_ms: number;
}

/** One request inside a transaction: who asks, what it may read and write. */
export interface WriteScope extends ViewContext {
  work: Work;
  clock: Clock;
  settings: WriteSettings;
  caller: Caller;
  /** What redaction removed, by rule. */
  tally: Tally;
}

export function authorOf({ caller, settings }: WriteScope): Author {
  return {
    agent_id: caller.agent_id,
    device: settings.device,
    ...(caller.session === undefined ? {} : { session: caller.session }),
  };
}

export function write(scope: WriteScope, body: OperationBody): Operation {
  return scope.work.write(body, authorOf(scope));
}

/** @throws NotFound */
export function requireMemory(scope: WriteScope, id: string): Memory {
  const memory = liveMemory(scope, id);
  if (!memory) throw new NotFound('memory');
  return memory;
}
