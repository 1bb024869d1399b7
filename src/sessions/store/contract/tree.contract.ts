import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SessionTreeNode } from '../session-store.ts';
import type { TranscriptHead } from '../transcript.ts';
import { HOUR, NOW, OWNER, Scene, TEAM, headOf, keyOf, message, nameOf, nextPut, wholePut } from './scene.ts';
import type { OpenSessionStore } from './store-under-test.ts';

type Shape = { [name: string]: Shape };

const shapeOf = (node: SessionTreeNode | null): Shape =>
  node === null ? {} : { [nameOf(node.session)]: Object.assign({}, ...node.children.map(shapeOf)) as Shape };

/** What continues, forks from or works for what. */
export function treeContract(open: OpenSessionStore): void {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open(open);
  });
  afterEach(() => scene.sut.close());

  const under = (parent: string, relationship: TranscriptHead['relationship'], hours = 5): Partial<TranscriptHead> => ({
    parent_key: keyOf(parent),
    relationship,
    started_at_ms: NOW - hours * HOUR,
  });
  const tree = async (name: string): Promise<Shape> => shapeOf(await scene.store.tree(scene.reader, keyOf(name)));

  const SESSIONS: [string, Partial<TranscriptHead>][] = [
    ['root', { started_at_ms: NOW - 9 * HOUR }],
    ['next', under('root', 'continuation', 7)],
    ['fork', under('root', 'fork', 8)],
    ['agent', under('next', 'subagent', 6)],
    ['deep', under('agent', 'subagent', 5)],
  ];
  const WHOLE: Shape = { root: { fork: {}, next: { agent: { deep: {} } } } };

  it.each(['parents first', 'children first'])('gives the whole tree from any of its sessions, %s', async (order) => {
    const sessions = order === 'parents first' ? SESSIONS : SESSIONS.toReversed();
    for (const [name, head] of sessions) await scene.add(name, [message(0, name)], head);
    await scene.add('stranger', [message(0, 'x')]);
    for (const [name] of SESSIONS) {
      const got = await tree(name);
      expect(got).toEqual(WHOLE);
      // Children stand in the order in which they began.
      expect(Object.keys(got['root']!)).toEqual(['fork', 'next']);
    }
    expect(await tree('stranger')).toEqual({ stranger: {} });
    expect(await tree('nobody')).toEqual({});
  });

  it('begins at the oldest session that is there', async () => {
    await scene.add('child', [message(0, 'x')], under('missing', 'fork'));
    await scene.add('grandchild', [message(0, 'x')], under('child', 'subagent'));
    expect(await tree('grandchild')).toEqual({ child: { grandchild: {} } });
  });

  it('follows a session that gets another parent', async () => {
    for (const [name, head] of SESSIONS) await scene.add(name, [message(0, name)], head);
    const before = wholePut(headOf('next', { message_count: 1, ...under('root', 'continuation', 7) }), [
      message(0, 'next'),
    ]);
    await scene.put(nextPut(before, wholePut(headOf('next'), [message(0, 'next')])));
    expect(await tree('deep')).toEqual({ next: { agent: { deep: {} } } });
    expect(await tree('root')).toEqual({ root: { fork: {} } });
  });

  it('falls apart where a session was removed', async () => {
    for (const [name, head] of SESSIONS) await scene.add(name, [message(0, name)], head);
    await scene.store.remove(TEAM, keyOf('next'), OWNER, 'erased');
    expect(await tree('deep')).toEqual({ agent: { deep: {} } });
    expect(await tree('root')).toEqual({ root: { fork: {} } });
  });

  it('ends where parents go round in a circle', async () => {
    await scene.add('a', [message(0, 'x')], under('c', 'fork'));
    await scene.add('b', [message(0, 'x')], under('a', 'fork'));
    await scene.add('c', [message(0, 'x')], under('b', 'fork'));
    await scene.add('self', [message(0, 'x')], under('self', 'fork'));
    expect(
      JSON.stringify(await tree('b'))
        .match(/"[abc]"/g)
        ?.sort(),
    ).toEqual(['"a"', '"b"', '"c"']);
    expect(await tree('self')).toEqual({ self: {} });
  });

  it('lists continuations and forks beside their parents, subagents only when asked', async () => {
    for (const [name, head] of SESSIONS) await scene.add(name, [message(0, name)], head);
    expect(await scene.listed()).toEqual(['next', 'fork', 'root']);
    expect(await scene.listed({ subagents: true })).toEqual(['deep', 'agent', 'next', 'fork', 'root']);
  });
}
