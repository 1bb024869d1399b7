import { safe } from '../format/safe.ts';
import { shortPath } from '../screen/short-path.ts';
import { ok, warn, type Check } from './check.ts';

/** Where conversations are read: agentsview's database, or Claude Code's own files where there is none. */
export const conversationsCheck: Check = {
  name: 'History',
  run: async ({ sessionPlaces, user_home }) => {
    const places = await sessionPlaces();
    return places.map(({ reader, path, because, exists, in_use, newer, behind, problem }) => {
      const place = `conversations from ${reader}: ${safe(shortPath(path, user_home))} (${because})`;
      if (problem !== null)
        return warn(`${place}: ${safe(problem)}`, 'Nothing is lost; it is tried again every few minutes.');
      if (behind !== null) return warn(`${place}: ${behind}`, 'Start agentsview, or remove it.');
      if (newer)
        return warn(
          `${place}: written by a newer agentsview than is known`,
          'It is read; update Syncline all the same.',
        );
      return ok(`${place}: ${in_use ? 'read' : exists ? 'there, not read: agentsview has them' : 'not there'}`);
    });
  },
};
