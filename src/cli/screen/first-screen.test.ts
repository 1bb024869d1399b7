import { describe, expect, it } from 'vitest';
import { ALL_READ, STATUS } from '../../../test/support/cli-host.ts';
import { fakeConversationSource } from '../../../test/support/fake-conversations.ts';
import type { DestinationStatus, StatusReport } from '../../runtime/operator.ts';
import { PLAIN } from '../format/color.ts';
import { renderFirstScreen, type FirstScreenView } from './first-screen.ts';

const VIEW: FirstScreenView = {
  width: 100,
  user_home: '/home/ada',
  palette: PLAIN,
  link: 'http://127.0.0.1:4777/?key=x8Yz',
  remaining_ms: 41_000,
  sample: false,
  from_clone: false,
};

function screen(status: StatusReport, view: Partial<FirstScreenView> = {}): string {
  return renderFirstScreen(status, { ...VIEW, ...view }).join('\n');
}

const NOTHING_FOUND: StatusReport = {
  ...STATUS,
  sources: STATUS.sources.map((source) => ({ ...source, exists: false, sessions: 0, bytes: 0, read_bytes: 0 })),
  removed: {},
  today: null,
};

const CONVERSATIONS: NonNullable<StatusReport['conversations']> = {
  sources: [fakeConversationSource()],
  sessions: 312,
  messages: 48_112,
  removed: {},
  last_stored_ms: null,
};

describe('the first screen', () => {
  it('says that records are kept in step where that is all that leaves', () => {
    const loops = [{ name: 'records', state: 'running' as const, last_error: null, since_ms: 0 }];
    const shown = screen({ ...STATUS, nothing_leaves: false, destinations: [], loops });
    expect(shown).toMatch(/^Syncline 0\.1\.0\. Keeps records in step: syncline records status\.\n/);
  });

  it('says how many conversations are kept, and how to find something in them', () => {
    expect(screen({ ...STATUS, conversations: CONVERSATIONS })).toContain(
      '  Kept      312 conversations, 48,112 messages   syncline sessions search TEXT\n  Look ',
    );
    const sample = screen({ ...STATUS, conversations: CONVERSATIONS }, { sample: true });
    expect(sample).toContain('  Kept      312 conversations, 48,112 messages\n');
    expect(screen({ ...STATUS, conversations: { ...CONVERSATIONS, sessions: 0 } })).not.toContain('Kept');
  });

  it('is that of the product page, without the commands of later versions', () => {
    expect(screen(STATUS)).toBe(
      `Syncline 0.1.0. Everything stays on this machine: no team joined, no destination set.

  Found     Claude Code  312 sessions, 14 projects   ~/.claude/projects
            Codex         41 sessions                ~/.codex/sessions
            Cursor        18 sessions                records no token counts, so no cost
  Reading   [########--]  78 %   1.2 GB   41 s left   (read-only)
  Today     $4.31 list price   6 sessions   212 tool calls, 9 failed
  Look      http://127.0.0.1:4777/?key=x8Yz   or: syncline telemetry report
  Removed   1,381 secrets before anything was stored   see: syncline preview
  Stop      Ctrl-C   or: syncline stop   Leave: syncline uninstall`,
    );
  });

  it('says when all is read, and never claims 100 % before', () => {
    expect(screen(ALL_READ)).toContain('  Reading   [##########]  all read   1.2 GB   (read-only)');
    const nearly = {
      ...STATUS,
      sources: STATUS.sources.map((source) => ({ ...source, read_bytes: Math.max(0, source.bytes - 1) })),
    };
    expect(screen(nearly)).toContain('  Reading   [#########-]  99 %');
  });

  it('shows sample data as such on a machine without agents', () => {
    expect(screen(NOTHING_FOUND, { sample: true, remaining_ms: null })).toBe(
      `Syncline 0.1.0. Everything stays on this machine: no team joined, no destination set.

  SAMPLE DATA  none of these figures are yours; they go away at the end

  Found     no sessions of an agent on this machine; looked in 3 places   see: syncline doctor
  Look      http://127.0.0.1:4777/?key=x8Yz
  Removed   0 secrets before anything was stored   see: syncline preview
  Stop      Ctrl-C`,
    );
  });

  it('names where data goes, and what is not encrypted', () => {
    const destination = { destination: 'team', insecure: true } as DestinationStatus;
    const local = { destination: 'local', insecure: false } as DestinationStatus;
    expect(screen({ ...STATUS, nothing_leaves: false, destinations: [local, destination] })).toMatch(
      /^Syncline 0\.1\.0\. Delivers to: team\. Not encrypted: team\.\n/,
    );
  });

  it('shows warnings, unknown cost, and how to call it in a clone', () => {
    const text = screen(
      { ...STATUS, warnings: ['Full'], today: { cost_usd: null, sessions: 1, tool_calls: 1, tool_failures: 0 } },
      { from_clone: true },
    );
    expect(text).toContain('\n  ! Full\n');
    expect(text).toContain('  Today     cost unknown   1 session   1 tool call, 0 failed');
    expect(text).toMatch(/In this folder `syncline` is: npm run -s syncline --$/);
  });

  it('has nothing to say of a day without sessions', () => {
    const today = { cost_usd: null, sessions: 0, tool_calls: 0, tool_failures: 0 };
    expect(screen({ ...STATUS, today })).toContain('  Today     nothing yet\n');
  });

  it('breaks lines of a narrow terminal between parts, and never cuts the link', () => {
    const lines = renderFirstScreen(STATUS, {
      ...VIEW,
      width: 60,
      link: `http://127.0.0.1:4777/?key=${'k'.repeat(60)}`,
    });
    expect(lines.slice(1).filter((line) => line.length > 60)).toEqual([
      `  Look      http://127.0.0.1:4777/?key=${'k'.repeat(60)}`,
    ]);
    expect(lines).toContain('              records no token counts, so no cost');
  });

  it('adds up an agent that keeps its files in two places', () => {
    const second = { ...STATUS.sources[0]!, path: '/opt/claude', sessions: 8, projects: 1 };
    expect(screen({ ...STATUS, sources: [STATUS.sources[0]!, second] })).toContain(
      '  Found     Claude Code  320 sessions, 15 projects   ~/.claude/projects\n  Reading',
    );
  });
});
