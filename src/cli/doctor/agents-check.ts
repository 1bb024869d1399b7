import { formatItems } from '../format/count.ts';
import { safe } from '../format/safe.ts';
import { agentName } from '../screen/agent-name.ts';
import { shortPath } from '../screen/short-path.ts';
import { ok, warn, type Check } from './check.ts';

/** Each place looked at, why, and what was there (R21). No agent at all is no fault. */
export const agentsCheck: Check = {
  name: 'Agents',
  run: async ({ agentPlaces, user_home }) => {
    const places = await agentPlaces();
    return places.map(({ agent, path, because, exists, files, problem }) => {
      const place = `${agentName(agent)}: ${safe(shortPath(path, user_home))} (${because})`;
      if (problem !== null)
        return warn(`${place}: ${safe(problem)}`, 'Make it readable for this user, if it is to be read.');
      if (!exists) return ok(`${place}: not there`);
      return ok(`${place}: ${files === null ? 'there' : formatItems(files, 'file')}`);
    });
  },
};
