import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { NOW, Scene, callMessage, headOf, keyOf, message, nameOf, wholePut } from './scene.ts';
import type { OpenSessionStore } from './store-under-test.ts';

/** Looking for a piece of text as it stands, which erasing goes by: nothing that holds it may be missed. */
export function containingContract(open: OpenSessionStore): void {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open(open);
  });
  afterEach(() => scene.sut.close());

  /** `name messages`, sorted. */
  async function containing(text: string): Promise<string[]> {
    const matches = await scene.store.containing(scene.reader, text);
    const named = await Promise.all(
      matches.map(async ({ key, messages }) => {
        const session = await scene.store.find(scene.reader, key);
        return `${session ? nameOf(session) : key} ${messages}`;
      }),
    );
    return named.sort();
  }

  it('finds it in every text of a message, in parts of words, whatever the case', async () => {
    await scene.add('content', [message(0, 'nothing'), message(1, 'unHELIOTROPEd')]);
    await scene.add('thinking', [message(0, 'x', { thinking: 'of a heliotrope' })]);
    await scene.add('input', [callMessage(0, { input_json: JSON.stringify({ a: ['a "heliotrope"'] }) })]);
    await scene.add('output', [callMessage(0, { result: 'heliotrope\n' }), message(1, 'Heliotrope')]);
    await scene.add('path', [callMessage(0, { file_path: 'src/heliotrope.ts' })]);
    await scene.add('none', [message(0, 'helio trope')]);
    const all = ['content 1', 'input 1', 'output 2', 'path 1', 'thinking 1'];
    expect(await containing('heliotrope')).toEqual(all);
    expect(await containing('HELIOTROP')).toEqual(all);
    expect(await containing('a "heliotrope"')).toEqual(['input 1']);
    expect(await containing('of%heliotrope')).toEqual([]);
  });

  it('finds it in what is told of a session, hidden ones and subagents too', async () => {
    await scene.add('titled', [message(0, 'x')], { title: 'The Heliotrope' });
    await scene.add('trashed', [message(0, 'heliotrope')], { presence: { kind: 'trashed', since_ms: NOW } });
    await scene.add('automated', [message(0, 'heliotrope')], { is_automated: true });
    await scene.add('helper', [message(0, 'heliotrope')], { relationship: 'subagent', parent_key: keyOf('titled') });
    await scene.add('noted', [message(0, 'x')], { pins: [{ ordinal: 0, note: 'heliotrope', created_at_ms: null }] });
    expect(await containing('heliotrope')).toEqual(['automated 1', 'helper 1', 'noted 0', 'titled 0', 'trashed 1']);
  });

  it('is not misled by names of fields, and sees no other team', async () => {
    await scene.add('mine', [message(0, 'x')]);
    await scene.add('theirs', [message(0, 'heliotrope')], {}, 'other');
    expect(await containing('tool_calls')).toEqual([]);
    expect(await containing('heliotrope')).toEqual([]);
  });

  it('misses no text, however JSON spells it', async () => {
    const texts = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }), {
      minLength: 1,
      maxLength: 4,
    });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(texts, texts, fc.nat(), async (said, given, at) => {
        const name = `r${round++}`;
        const head = headOf(name, { message_count: 2 });
        const input_json = JSON.stringify({ given });
        await scene.put(wholePut(head, [message(0, said.join(' ')), callMessage(1, { input_json })]));
        const all = [...said, ...given];
        const text = all[at % all.length] ?? '';
        const found = await scene.store.containing(scene.reader, text);
        expect(found.map(({ key }) => key)).toContain(keyOf(name));
        await scene.store.remove(scene.reader.team_id, keyOf(name), 'ada/laptop', 'erased');
      }),
      { numRuns: 40 },
    );
  });
}
