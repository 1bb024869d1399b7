import type { Draw } from '../draw.ts';
import type { KeyedScenario } from './scenario.ts';

/** One key of the source. */
export interface SourceKey {
  key: string;
  partition: string;
  group: string;
  /** What the other side makes of it, whatever its version. */
  nature: 'good' | 'bad' | 'huge' | 'crashing';
  /** Its newest state; 0 = it does not exist yet. */
  version: number;
}

/** The real side: keys with a version that only grows, and a list of changes that a reader follows. */
export class KeyedSource {
  readonly keys = new Map<string, SourceKey>();
  /** The key of each change, in the order of the changes. */
  readonly changes: string[] = [];

  constructor(scenario: KeyedScenario, draw: Draw) {
    const { partitions, groups, keys, bad, huge, crashing } = scenario;
    for (const partition of partitions)
      for (const group of groups)
        for (let n = 0; n < keys; n++) {
          const chance = draw.random.unit();
          const nature =
            chance < bad ? 'bad' : chance < bad + huge ? 'huge' : chance < bad + huge + crashing ? 'crashing' : 'good';
          const key = `${partition} ${group} ${n}`;
          this.keys.set(key, { key, partition, group, nature, version: 0 });
        }
    // One good key in each group, whose acceptance judges the others; it changes again in the calm.
    for (const partition of partitions)
      for (const group of groups) {
        const key = `${partition} ${group} witness`;
        this.keys.set(key, { key, partition, group, nature: 'good', version: 0 });
      }
  }

  change(key: string): void {
    this.of(key).version++;
    this.changes.push(key);
  }

  of(key: string): SourceKey {
    const found = this.keys.get(key);
    if (!found) throw new Error(`no key ${key}`);
    return found;
  }

  witnesses(): string[] {
    return [...this.keys.keys()].filter((key) => key.endsWith('witness'));
  }
}
