import { agentName } from '../screen/agent-name.ts';
import { safe } from '../format/safe.ts';
import { shortPath } from '../screen/short-path.ts';
import type { Connection } from '../../agents/connect/connections.ts';
import { ok, warn, type Check, type Finding } from './check.ts';

const AGAIN = 'Run: syncline agents connect (or disconnect).';

/** Which agents have our hooks and memory, and entries that lead nowhere. Not to be connected is no fault. */
export const connectionsCheck: Check = {
  name: 'Connect',
  run: ({ connections, user_home }) => {
    const found = connections();
    if (found.length === 0) return [ok('no agent that can be connected was used here')];
    return found.map((connection) => findingOf(connection, safe(shortPath(connection.file, user_home))));
  },
};

function findingOf({ agent, part, state, by_hand, gone, problem }: Connection, file: string): Finding {
  const what = `${agentName(agent)}: ${part} in ${file}`;
  switch (state) {
    case 'connected':
      if (by_hand > 0) return warn(`${what}: connected, and by hand as well`, 'Remove the entries made by hand.');
      return ok(`${what}: connected`);
    case 'stale':
      if (gone !== null) return warn(`${what}: calls a program that is not there any more`, AGAIN);
      return warn(`${what}: of another version or place of Syncline, or not whole`, AGAIN);
    case 'by_hand':
      return ok(`${what}: by hand`);
    case 'unusable':
      return warn(`${what}: ${safe(problem ?? 'unusable')}`, 'The agent may not read it either; correct it.');
    case 'none':
      return ok(`${what}: not connected`);
  }
}
