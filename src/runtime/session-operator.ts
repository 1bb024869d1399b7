import { SynclineError } from '../platform/errors.ts';
import type { Reader, SessionSummary } from '../sessions/store/session-store.ts';
import type { DataDirectory } from './data-directory.ts';
import type { SessionsDirectory } from './sessions-directory.ts';
import type { SessionVerbs } from './session-verbs.ts';

/** Writes an operator action. */
type RecordAction = (verb: string, target: string, detail: object) => Promise<void>;

/** The verbs of conversations over an open data directory. Reads are of the directory's own team. */
export function sessionVerbs(directory: DataDirectory, wake: () => void, record: RecordAction): SessionVerbs {
  const reader: Reader = { team_id: directory.options.team_id };
  const sessions = (): SessionsDirectory => directory.sessions ?? notKept();
  return {
    conversations: async ({ filter, page }) => sessions().store.list(reader, filter, page),
    conversation: async (id) => {
      const { store, sharesOf } = sessions();
      const session = await foundSession(sessions(), reader, id);
      const [links, tree] = await Promise.all([store.links(reader, session.key), store.tree(reader, session.key)]);
      return { session, links, tree, shared: await sharesOf(session.key) };
    },
    conversationMessages: async ({ key, from, limit }) => sessions().store.messages(reader, key, from, limit),
    searchConversations: async ({ search, page }) => sessions().store.search(reader, search, page),
    conversationsFor: async ({ link, limit }) => sessions().store.linked(reader, link, limit),
    conversationsEditing: async ({ path_suffix, filter, limit }) =>
      sessions().store.editing(reader, path_suffix, filter, limit),
    shareConversations: async ({ ids, share }) => {
      const keys: string[] = [];
      for (const id of ids) keys.push((await foundSession(sessions(), reader, id)).key);
      const result = await sessions().share(keys, share);
      await record(share ? 'sessions share' : 'sessions unshare', `${result.changed.length} sessions`, {
        keys: result.changed,
      });
      wake();
      return result;
    },
    linkConversation: async ({ id, target, linked }) => {
      const session = await foundSession(sessions(), reader, id);
      const result = await sessions().assertLink(session, target, linked);
      await record(linked ? 'sessions link' : 'sessions unlink', session.key, { ...result });
      return result;
    },
    previewSessions: async (query) => (directory.sessions ? directory.sessions.preview(query) : null),
    replaySessions: async ({ confirm_vanished }) => {
      await record('replay', 'sessions', { confirm_vanished });
      const result = await sessions().replay(confirm_vanished);
      wake();
      return result;
    },
  };
}

/** @throws SynclineError `session.unknown` */
async function foundSession({ store }: SessionsDirectory, reader: Reader, id: string): Promise<SessionSummary> {
  const session = await store.find(reader, id);
  if (session) return session;
  throw new SynclineError('session.unknown', 'There is no conversation with this id', {
    hint: '`syncline sessions list` shows them; its first eight characters are enough.',
  });
}

function notKept(): never {
  throw new SynclineError('sessions.off', 'Conversations are not kept on this machine', {
    hint: 'Set `keep = true` under [sessions] and start Syncline again.',
  });
}
