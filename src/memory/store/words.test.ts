import { expect, test } from 'vitest';
import { ann, MemoryMember } from '../../../test/support/memory-member.ts';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { holdsTerm, indexedTerm, indexedText } from './words.ts';

async function found(member: MemoryMember, text: string): Promise<string[]> {
  return (await member.memories.search({ text })).map(({ title }) => title).sort();
}

test('English words are found in any of their forms', async () => {
  const a = new MemoryMember('a');
  await a.store('deploys', { content: 'Rollbacks need two approvals before deploying.' });
  for (const text of ['rollback', 'approval', 'deployed', 'approve needs', '"two approval"'])
    expect([text, await found(a, text)]).toEqual([text, ['deploys']]);
  expect(await found(a, 'three')).toEqual([]);
  await a.close();
});

test('any piece of a script without spaces is found, a single character too', async () => {
  const a = new MemoryMember('a');
  await a.store('ja', { content: '本番環境へのデプロイは金曜日に禁止' });
  await a.store('zh', { content: '数据库连接池大小设为20' });
  await a.store('ko', { content: '배포승인은 두 명이 한다' });
  await a.store('th', { content: 'ห้ามเผยแพร่วันศุกร์', tags: ['วันศุกร์'] });
  expect(await found(a, '金曜日')).toEqual(['ja']);
  expect(await found(a, 'デプロイ')).toEqual(['ja']);
  expect(await found(a, '連接')).toEqual([]);
  expect(await found(a, '连接池')).toEqual(['zh']);
  expect(await found(a, '库')).toEqual(['zh']);
  expect(await found(a, '20')).toEqual(['zh']);
  expect(await found(a, '止')).toEqual(['ja']);
  expect(await found(a, '승인')).toEqual(['ko']);
  expect(await found(a, 'ศุกร์')).toEqual(['th']);
  expect(await found(a, '曜金')).toEqual([]);
  const { memories } = await a.memories.recall({ context: '金曜日のデプロイ' }, ann.caller);
  expect(memories[0]?.title).toBe('ja');
  await a.close();
});

test('forget takes what holds the words as they were given, not other forms of them', async () => {
  const a = new MemoryMember('a');
  await a.store('one', { content: 'a test of it' });
  await a.store('two', { content: 'we are testing, and tests pass' });
  await a.store('three', { content: '金曜日に test' });
  const { result } = await a.memories.forget({ pattern: 'test', dry_run: true }, ann);
  expect(result.forgotten).toHaveLength(2);
  expect((await a.memories.forget({ pattern: '曜日 TEST' }, ann)).result.forgotten).toHaveLength(1);
  expect(await a.titles()).toEqual(['one', 'two']);
  await a.close();
});

test('an index of an older form is filled anew', async () => {
  const folder = scratchDirectory();
  const a = new MemoryMember('a', `${folder.path}/a.db`);
  await a.store('deploys', { content: 'two approvals, 金曜日' });
  // As the migration leaves it.
  a.db.exec(`DROP TABLE memory_text; CREATE VIRTUAL TABLE memory_text USING fts5 (title, content, tags, content = '',
    contentless_delete = 1, tokenize = 'porter unicode61 remove_diacritics 2')`);
  expect(await found(a, 'approval')).toEqual([]);
  await a.reopen();
  expect(await found(a, 'approval 金曜')).toEqual(['deploys']);
  await a.close();
  folder.remove();
});

test('what the index gets and is asked', () => {
  expect(indexedText('a 金曜日 b')).toBe('a  金曜 曜日 日  b');
  expect(indexedTerm('金曜日')).toBe('"金曜 曜日"');
  expect(indexedTerm('日')).toBe('"日"*');
  expect(indexedTerm('v2.0')).toBe('"v2.0"');
  expect(holdsTerm('Über-Test', 'uber')).toBe(true);
  expect(holdsTerm('contest tests', 'test')).toBe(false);
});
