import { describe, expect, it } from 'vitest';
import { cli, NOW_MS, TERMINAL } from '../../../test/support/cli-host.ts';
import type { EraseQuery, EraseResult, ErasedAt, Operator } from '../../runtime/operator.ts';

const FOUND = { conversations: 2, messages: 1_200, telemetry_sessions: 1 };
const DONE: ErasedAt = {
  destination: 'team',
  stream: 'sessions',
  state: 'done',
  sessions: 2,
  waiting: 0,
  reason: null,
};
const QUEUED: ErasedAt = { ...DONE, state: 'queued', waiting: 1 };
const CANNOT: ErasedAt = { ...DONE, stream: 'telemetry', state: 'cannot', reason: 'no delete verb' };

function erasing(destinations: ErasedAt[], found = FOUND): { operator: Partial<Operator>; asked: EraseQuery[] } {
  const asked: EraseQuery[] = [];
  const erase = async (query: EraseQuery): Promise<EraseResult> => {
    asked.push(query);
    return { dry_run: query.dry_run, sessions: [], ...found, destinations };
  };
  return { operator: { erase }, asked };
}

describe('erase', () => {
  it('does nothing without a terminal and without --yes', async () => {
    const { operator, asked } = erasing([]);
    const { exit, stderr } = await cli(['erase', '--session', 'a'], { operator });
    expect([exit, stderr]).toEqual([6, expect.stringContaining('--yes')]);
    expect(asked.map(({ dry_run }) => dry_run)).toEqual([true]);
  });

  it('asks at a terminal with what it found, and a no is a no', async () => {
    const { operator, asked } = erasing([]);
    const questions: string[] = [];
    const confirm = async (question: string): Promise<boolean> => (questions.push(question), false);
    const no = await cli(['erase', '--session', 'a'], { operator, host: TERMINAL, prompts: { confirm } });
    expect(no).toMatchObject({ exit: 1, stderr: 'Nothing was changed.\n' });
    expect(questions).toEqual([
      "Erase 2 conversations with 1,200 messages, telemetry of 1 session for good? It does not come back, here or at a team's store.",
    ]);
    expect(asked.map(({ dry_run }) => dry_run)).toEqual([true]);
  });

  it('--dry-run says what would go, asks nothing and changes nothing', async () => {
    const { operator, asked } = erasing([QUEUED]);
    const { exit, stderr } = await cli(['erase', '--before', '30d', '--dry-run'], { operator });
    expect([exit, stderr]).toEqual([
      0,
      'Would be erased: 2 conversations with 1,200 messages, telemetry of 1 session. Nothing was done.\n  team  sessions: would be asked to erase 1 session\n',
    ]);
    expect(asked).toMatchObject([{ dry_run: true, session: null, project: null, before_ms: NOW_MS - 30 * 86_400_000 }]);
  });

  it('says of each destination what became of it; exit 1 only where confirmations were asked for', async () => {
    const args = ['erase', '--project', 'github.com/acme/*', '--yes'];
    const { operator, asked } = erasing([DONE, QUEUED, CANNOT]);
    const queued = await cli(args, { operator });
    expect([queued.exit, queued.stderr.split('\n').slice(1)]).toEqual([
      0,
      [
        '  team  sessions: done (2 sessions)',
        '  team  sessions: queued (1 of 2 sessions)',
        '  team  telemetry: cannot be erased there (2 sessions): no delete verb',
        '',
      ],
    ]);
    expect(asked.at(-1)).toMatchObject({ project: 'github.com/acme/*', everywhere: false, timeout_ms: 30_000 });
    for (const [destinations, exit] of [
      [[DONE], 0],
      [[DONE, QUEUED], 1],
      // No confirmation is missing where none can be given.
      [[DONE, CANNOT], 0],
      [[{ ...CANNOT, state: 'failed' }], 1],
      [[], 0],
    ] as const)
      expect((await cli([...args, '--everywhere'], erasing([...destinations]))).exit).toBe(exit);
  });

  it('needs no yes where nothing is left, and answers in JSON', async () => {
    const nothing = { conversations: 0, messages: 0, telemetry_sessions: 0 };
    const { operator } = erasing([], nothing);
    const text = await cli(['erase', '--session', 'a'], { operator });
    expect([text.exit, text.stderr]).toEqual([0, 'Nothing is left of it here.\n']);
    const { stdout } = await cli(['erase', '--session', 'a', '--json'], { operator });
    expect(JSON.parse(stdout)).toEqual({
      schema: 'syncline.erase/1',
      dry_run: false,
      ...nothing,
      sessions: [],
      destinations: [],
    });
  });

  describe('of memories', () => {
    const memory = {
      ...{ id: '01a1ff31-6eff-7b07-aaaa-bbbbccccdddd', namespace: 'team/ops', state: 'live' as const },
      ...{ created_at: new Date(NOW_MS - 60_000).toISOString(), agent_id: 'claude' },
    };
    const none = { conversations: 0, messages: 0, telemetry_sessions: 0, sessions: [], destinations: [] };
    const erasingMemories = (gone_on: number): Partial<Operator> => ({
      erase: async ({ dry_run }) => ({
        ...{ dry_run, ...none },
        memory: {
          memories: [memory],
          gone_on: dry_run ? null : gone_on,
          members: dry_run ? null : 3,
          log_keeps: gone_on < 3 ? 1 : 0,
        },
      }),
    });

    it('lists what is meant, never what it says, and tells on how many machines it is deleted', async () => {
      const args = ['erase', '--memory', '01a1', '--yes'];
      const { exit, stdout, stderr } = await cli(args, { operator: erasingMemories(1) });
      expect(exit).toBe(0);
      expect(stdout).toMatch(/01a1ff31-6eff-7b07 {2}team\/ops +live .* claude/);
      expect(stderr).toBe(
        'Erased here: 1 memory.\n  memory: deleted on 1 of 3 machines; the rest follow when they are reached\n' +
          '  memory: the log of this machine keeps the texts until every machine has deleted them, then forgets them\n',
      );
      expect((await cli([...args, '--everywhere'], { operator: erasingMemories(2) })).exit).toBe(1);
      expect((await cli([...args, '--everywhere'], { operator: erasingMemories(3) })).exit).toBe(0);
    });

    it('asks with what it found', async () => {
      const questions: string[] = [];
      const confirm = async (question: string): Promise<boolean> => (questions.push(question), false);
      const world = { operator: erasingMemories(1), host: TERMINAL, prompts: { confirm } };
      expect((await cli(['erase', '--namespace', 'team'], world)).exit).toBe(1);
      expect(questions).toEqual(['Erase 1 memory for good? It does not come back, here or on another machine.']);
    });
  });
});
