import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { scratchDirectory } from '../../test/support/scratch-directory.ts';
import type { Workspace } from '../telemetry/capture/workspace-context.ts';
import { CaptureRules } from './capture-rules.ts';

let scratch: ReturnType<typeof scratchDirectory>;
let monotonic_ms: number;
let reports: string[];

beforeEach(() => {
  scratch = scratchDirectory();
  monotonic_ms = 0;
  reports = [];
});
afterEach(() => scratch.remove());

const clock = { now_ms: () => 0, monotonic_ms: () => monotonic_ms };
const rules = (...exclude: string[]): CaptureRules =>
  new CaptureRules({ exclude, user_home: '/home/ada', clock, report: (message) => void reports.push(message) });
const repository = (root: string | null = null): Workspace => ({
  identity: 'github.com/acme/web',
  kind: 'remote',
  name: 'web',
  root,
});
const narrow = (text: string): void => writeFileSync(join(scratch.path, '.syncline.toml'), text);

test.each([
  ['github.com/acme/web', '/home/ada/web', false],
  ['github.com/acme/*', '/home/ada/web', false],
  ['github.com/acme/payroll', '/home/ada/web', true],
  ['~/private/**', '/home/ada/private/web', false],
  ['~/private', '/home/ada/private/web/src', false],
  ['~/private/**', '/home/ada/web', true],
])('capture.exclude %s over %s', (glob, cwd, allowed) => {
  expect(rules(glob).allows(repository(), cwd)).toBe(allowed);
});

test("a repository's own file narrows: all of it, or what it names", () => {
  const workspace = repository(scratch.path);
  narrow('exclude = ["secret/**"]');
  const some = rules();
  expect(some.allows(workspace, join(scratch.path, 'src'))).toBe(true);
  expect(some.allows(workspace, join(scratch.path, 'secret/keys'))).toBe(false);
  narrow('capture = false');
  expect(rules().allows(workspace, join(scratch.path, 'src'))).toBe(false);
});

test('a repository may keep its conversations on the machine; one that is gone cannot be asked', () => {
  expect(rules().shares(scratch.path)).toBe(true);
  narrow('share = "none"');
  expect(rules().shares(scratch.path)).toBe(false);
  narrow('share = "all"');
  expect(rules().shares(scratch.path)).toBe(true);
  narrow('capture = false');
  expect(rules().shares(scratch.path)).toBe(false);
  narrow('not TOML');
  expect(rules().shares(scratch.path)).toBeNull();
  expect(rules().shares(join(scratch.path, 'gone'))).toBeNull();
});

test('what a repository says is read at once where that is asked for, and its mark moves with its file', () => {
  const own = rules();
  expect([own.shares(scratch.path), own.markOf(scratch.path)]).toEqual([true, 'none']);
  narrow('share = "none"');
  expect(own.shares(scratch.path)).toBe(true);
  const mark = own.markOf(scratch.path);
  expect(mark).not.toBe('none');
  expect(own.readShares(scratch.path)).toBe(false);
  expect(own.shares(scratch.path)).toBe(false);
  narrow('share = "none"\n# still\n');
  expect(own.markOf(scratch.path)).not.toBe(mark);
  expect(own.markOf(join(scratch.path, 'gone'))).toBeNull();
});

test('a key that would widen or redirect is refused and told once, with its line and without the path', () => {
  narrow('# ours\nendpoint = "https://elsewhere.test"\n');
  const own = rules();
  for (let i = 0; i < 3; i++) expect(own.allows(repository(scratch.path), scratch.path)).toBe(true);
  expect(reports).toEqual([expect.stringMatching(/^a repository's \.syncline\.toml, line 2: endpoint: /)]);
  expect(reports.join()).not.toContain(scratch.path);
});

test('a file that appears while Syncline runs is followed within seconds', () => {
  const own = rules();
  expect(own.allows(repository(scratch.path), scratch.path)).toBe(true);
  narrow('capture = false');
  monotonic_ms += 5_000;
  expect(own.allows(repository(scratch.path), scratch.path)).toBe(false);
});

test('a file that cannot be read leaves its repository out; a folder that cannot be has none', () => {
  mkdirSync(join(scratch.path, '.syncline.toml'));
  const own = rules();
  expect(own.allows(repository(scratch.path), scratch.path)).toBe(false);
  expect(reports).toEqual([expect.stringContaining('EISDIR')]);
  writeFileSync(join(scratch.path, 'file'), '');
  for (const root of [join(scratch.path, 'file'), '/no\0name', `/${'x'.repeat(5000)}`])
    expect(own.allows(repository(root), root)).toBe(true);
});
