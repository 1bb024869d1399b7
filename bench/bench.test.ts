import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { inTurn, judge, runComparisons, type Comparison, type Goal, type Result } from './harness.ts';
import { programFlags } from './measured-process.ts';

const comparison: Comparison = {
  name: 'rows',
  unit: 'rows/s',
  referenceName: 'plain inserts',
  goal: { at_least: 0.6, of: 'ratio' },
  rounds: 3,
  measure: async () => ({ ours: 70, reference: 100 }),
};

async function bench(...args: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, ...args]);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { status, stdout, stderr };
}

describe('a comparison', () => {
  it('without a goal is an error, before anything is measured', async () => {
    let measured = 0;
    const without = {
      ...comparison,
      goal: {} as Goal,
      measure: async () => {
        measured++;
        return { ours: 1, reference: 1 };
      },
    };
    await expect(runComparisons([comparison, without], () => undefined)).rejects.toMatchObject({ code: 'bench.goal' });
    expect(measured).toBe(0);
  });

  it('is judged by its typical round, from the side its goal names', () => {
    const rounds = [
      { ours: 50, reference: 100 },
      { ours: 1, reference: 100 },
      { ours: 60, reference: 1000 },
    ];
    expect(judge({ ...comparison, goal: { at_least: 0.06, of: 'ratio' } }, rounds)).toMatchObject({
      ours: 50,
      reference: 100,
      ratio: 0.06,
      goal: 0.06,
      direction: 'at least',
      holds: true,
    });
    expect(judge({ ...comparison, goal: { at_most: 0.05, of: 'ratio' } }, rounds).holds).toBe(false);
    expect(judge({ ...comparison, goal: { at_most: -99, of: 'difference' } }, rounds).holds).toBe(true);
    expect(judge({ ...comparison, goal: { at_most: -100, of: 'difference' } }, rounds).holds).toBe(false);
    expect(judge({ ...comparison, goal: { at_most: 50, of: 'figure' } }, rounds).holds).toBe(true);
    expect(judge({ ...comparison, goal: { at_most: 49, of: 'figure' } }, rounds).holds).toBe(false);
  });

  it('refuses a reference that measured nothing', () => {
    expect(() => judge(comparison, [{ ours: 1, reference: 0 }])).toThrow(/measured 1 against 0/);
  });

  it('lets both sides go first in turn', async () => {
    const order: string[] = [];
    const measure = inTurn(
      async () => order.push('ours'),
      async () => order.push('reference'),
    );
    await measure(0);
    await measure(1);
    expect(order).toEqual(['ours', 'reference', 'reference', 'ours']);
  });
});

describe('the bench', () => {
  it('runs ours with the flags of the program, however that is started', () => {
    const start = readFileSync(new URL('../scripts/setup.mjs', import.meta.url), 'utf8');
    const flags = programFlags();
    expect(flags.length).toBeGreaterThan(0);
    expect(start).toContain(`nodeFlags = [${flags.map((flag) => `'${flag}'`).join(', ')}]`);
  });

  it.each([
    ['telemetry', 4],
    ['memory', 5],
  ])('prints every result of the %s suite in the one shape', { timeout: 120_000 }, async (suite, results) => {
    const { status, stdout, stderr } = await bench(suite, '--json', '--quick');
    expect(status, stderr).toBeLessThanOrEqual(1);
    const report = JSON.parse(stdout) as { suite: string; machine: Record<string, unknown>; results: Result[] };
    expect(report.suite).toBe(suite);
    expect(report.machine).toMatchObject({ cores: expect.any(Number) as number, node: process.versions.node });
    expect(report.results.length).toBe(results);
    for (const result of report.results) {
      expect(result).toMatchObject({
        name: expect.any(String) as string,
        unit: expect.any(String) as string,
        referenceName: expect.any(String) as string,
        goal: expect.any(Number) as number,
        holds: expect.any(Boolean) as boolean,
      });
      expect(result.ours).toBeGreaterThan(0);
      expect(result.reference).toBeGreaterThan(0);
      expect(result.ratio).toBeGreaterThan(0);
    }
    expect(status).toBe(report.results.every(({ holds }) => holds) ? 0 : 1);
  });

  it('refuses an unknown suite with the list of those there are', async () => {
    const { status, stdout, stderr } = await bench('everything');
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('telemetry');
  });
});
