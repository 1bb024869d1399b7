import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentsviewWriter } from '../../../test/support/agentsview-databases.ts';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { openAgentsview } from './open.ts';
import { sessionIn, titleOf, type AgentsviewSession } from './session.ts';

let scratch: ReturnType<typeof scratchDirectory>;
let path: string;
let writer: AgentsviewWriter;
beforeEach(() => {
  scratch = scratchDirectory();
  path = join(scratch.path, 'sessions.db');
  writer = new AgentsviewWriter(path);
});
afterEach(() => {
  writer.close();
  scratch.remove();
});

function read(id = 'S1'): AgentsviewSession {
  using database = openAgentsview(path);
  return database.read((rows) => sessionIn(rows, database.schema, id))!;
}

describe('A12: where the work was done', () => {
  const placed = (snapshot: Record<string, string>): unknown => {
    writer.run('DELETE FROM session_project_identity_snapshots');
    writer.insert('session_project_identity_snapshots', { session_id: 'S1', ...snapshot });
    return read().place.repository;
  };

  it('is told by folder, branch and repository; the project stays a label', () => {
    writer.session('S1', { project: 'my_shop' });
    expect(read()).toMatchObject({ project: 'my_shop', place: { cwd: null, git_branch: null, repository: null } });
    writer.insert('session_project_identity_snapshots', { session_id: 'S1', root_path: '/r', git_branch: 'dev' });
    expect(read().place).toEqual({ cwd: '/r', git_branch: 'dev', repository: null });
    writer.run("UPDATE sessions SET cwd = '/r/sub', git_branch = 'main'");
    expect(read().place).toEqual({ cwd: '/r/sub', git_branch: 'main', repository: null });
  });

  it('never holds a credential, whichever column it hides in', () => {
    writer.session('S1');
    for (const snapshot of [
      { normalized_remote: 'github.com/acme/shop' },
      { normalized_remote: 'ada:hunter2@github.com/acme/shop.git' },
      { normalized_remote: 'https://ada:hunter2@GitHub.com/acme/shop?token=hunter2' },
      { git_remote: 'https://ada:hunter2@github.com/acme/shop.git' },
      { git_remote: 'git@github.com:acme/shop.git' },
    ])
      expect(placed(snapshot), JSON.stringify(snapshot)).toBe('github.com/acme/shop');
    expect(placed({ git_remote: '/home/ada/shop.git' })).toBeNull();
  });
});

describe('A13: relationships', () => {
  it('continuations, forks and subagents are told with their parent, and words of later releases as they are', () => {
    for (const relationship_type of ['', 'continuation', 'fork', 'subagent', 'mirror']) {
      writer.session(`S-${relationship_type}`, { relationship_type, parent_session_id: relationship_type && 'S0' });
      expect(read(`S-${relationship_type}`)).toMatchObject({
        relationship_type,
        parent_session_id: relationship_type === '' ? null : 'S0',
      });
    }
  });
});

it('a title is the name that a person gave, the one the agent gave, the first message, the id', () => {
  writer.session('S1', { display_name: 'Mine', session_name: 'its', first_message: 'hello' });
  const titles = [titleOf(read())];
  for (const column of ['display_name', 'session_name', 'first_message']) {
    writer.run(`UPDATE sessions SET ${column} = ''`);
    titles.push(titleOf(read()));
  }
  expect(titles).toEqual(['Mine', 'its', 'hello', 'S1']);
});
