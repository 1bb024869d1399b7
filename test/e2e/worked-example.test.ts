/** From an agent's files to `telemetry report --json` by the real program: exact figures for every `--by`. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Machine } from '../support/machine.ts';
import { WORKED_EXAMPLE_TOTAL, placeWorkedExample } from '../support/worked-example.ts';

interface Report {
  schema: string;
  rows: Record<string, unknown>[];
  total: Record<string, unknown>;
  price_date: string;
  unpriced_responses: number;
}

const figures = (
  sessions: number,
  [tokens_in, tokens_out, cache_write_tokens, cache_read_tokens]: (number | null)[],
  cost_usd: number | null,
  tool_calls: number,
  tool_failures: number,
): object => ({
  sessions,
  tokens_in,
  tokens_out,
  cache_read_tokens,
  cache_write_tokens,
  cost_usd,
  tool_calls,
  tool_failures,
});

const ALL = figures(2, [29, 255, 1500, 4400], 0.019889, 3, 1);
const NOTHING = [null, null, null, null];

const machine = new Machine();
const report = (by: string): Promise<Report> =>
  machine.json<Report>(['telemetry', 'report', '--by', by, '--since', '3650d']);

beforeAll(async () => {
  placeWorkedExample(machine);
  expect(await machine.run(['flush'])).toMatchObject({ exit: 0, stdout: '' });
});
afterAll(() => machine[Symbol.asyncDispose]());

describe('report', () => {
  test.each<[string, object[]]>([
    ['project', [{ project: 'shop', ...ALL }]],
    ['agent', [{ agent: 'claude', ...ALL }]],
    ['day', [{ day: '2026-10-20', ...ALL }]],
    [
      'tool',
      [
        { tool: 'Agent', ...figures(1, NOTHING, null, 1, 0) },
        { tool: 'Bash', ...figures(1, NOTHING, null, 1, 1) },
        { tool: 'Read', ...figures(1, NOTHING, null, 1, 0) },
      ],
    ],
  ])('--by %s', async (by, rows) => {
    const found = await report(by);
    expect(found.schema).toBe('syncline.report/1');
    expect(found.rows).toHaveLength(rows.length);
    expect(found.rows).toEqual(expect.arrayContaining(rows));
    expect(found.total).toEqual(WORKED_EXAMPLE_TOTAL);
    expect(found.unpriced_responses).toBe(0);
  });

  test('--by model', async () => {
    const { rows, total } = await report('model');
    expect(rows.map(({ model, tokens_in, tokens_out, cost_usd }) => [model, tokens_in, tokens_out, cost_usd])).toEqual(
      expect.arrayContaining([
        ['claude-opus-5', 25, 235, 0.019775],
        ['claude-haiku-4-5', 4, 20, 0.000114],
      ]),
    );
    expect(total).toEqual(WORKED_EXAMPLE_TOTAL);
  });

  test('--by session, the fork with only what it added', async () => {
    const { rows } = await report('session');
    const by_cost = rows.map(({ session: _, ...row }) => row);
    expect(by_cost).toHaveLength(2);
    expect(by_cost).toEqual(
      expect.arrayContaining([
        figures(1, [26, 240, 1500, 3000], 0.018799, 3, 1),
        figures(1, [3, 15, 0, 1400], 0.00109, 0, 0),
      ]),
    );
  });

  test('a second reading changes nothing', async () => {
    const again = await machine.run(['telemetry', 'import', '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ imports: [{ agent: 'claude', files: 3, new_entries: 0 }] });
    expect((await report('project')).total).toEqual(WORKED_EXAMPLE_TOTAL);
  });
});
