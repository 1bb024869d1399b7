import { describe, expect, it } from 'vitest';
import { ALL_READ, NOW_MS } from '../../../test/support/cli-host.ts';
import { fakeConversationSource } from '../../../test/support/fake-conversations.ts';
import type { SessionsSourceStatus } from '../../runtime/session-verbs.ts';
import type { DestinationStatus, StatusReport } from '../../runtime/operator.ts';
import { PLAIN } from '../format/color.ts';
import { renderStatus } from './status-screen.ts';

const HOUR = 3_600_000;

const TEAM: DestinationStatus = {
  destination: 'team',
  stream: 'telemetry',
  state: 'active',
  circuit: 'closed',
  circuit_until_ms: null,
  offline_since_ms: null,
  waiting: 0,
  oldest_waiting_ms: null,
  on_hold: null,
  open_batches: 0,
  acknowledged: 12_345,
  dead_letters: 0,
  held: [],
  last_success_ms: NOW_MS - 60_000,
  last_error: null,
  insecure: false,
};

function screen(status: Partial<StatusReport>, width = 100): string {
  const view = { now_ms: NOW_MS, user_home: '/home/ada', palette: PLAIN, width };
  return renderStatus({ ...ALL_READ, ...status }, view).join('\n');
}

/** The line of one destination. */
function delivery(destination: Partial<DestinationStatus>): string {
  const lines = screen({ nothing_leaves: false, destinations: [{ ...TEAM, ...destination }] }, 1000).split('\n');
  return lines.find((line) => line.startsWith('Delivery'))!.slice(10);
}

describe('status for people', () => {
  it('says which of two streams a destination of the same name is for', () => {
    const destinations: DestinationStatus[] = [
      { ...TEAM, destination: 'local' },
      { ...TEAM, destination: 'local', stream: 'sessions' },
      TEAM,
    ];
    const shown = screen({ nothing_leaves: false, destinations });
    expect(shown).toContain('local (telemetry)   up to date');
    expect(shown).toContain('local (sessions)    up to date');
    expect(shown).toContain('team                up to date');
  });

  it('of a machine that keeps everything', () => {
    expect(screen({})).toBe(
      `Running   yes since 13:32   process 4711   http://127.0.0.1:4777   0.1.0
Home      ~/.local/share/syncline   340 MB of 5.4 GB
Sources   Claude Code  312 sessions   100 % of 1.0 GB read   ~/.claude/projects
          Codex        41 sessions   100 % of 200 MB read   ~/.codex/sessions
          Cursor       18 sessions   ~/.cursor/projects   records no token counts, so no cost
Delivery  nothing leaves this machine: no team joined, no destination set
Removed   1,381 secrets before anything was stored
            github-token 1,000, aws-key 300, private-key 80, …
Today     $4.31 list price   6 sessions   212 tool calls, 9 failed`,
    );
  });

  it('says what is remembered, and what waits for a yes', () => {
    const memory = {
      ...{ memories: 1_204, archived: 3, pending: 1, operations: 1_500, size_bytes: 4096 },
      ...{ write_quorum: 1, damaged: 0, peers: null },
    };
    expect(screen({ memory }, 1000)).toContain(
      'Known     1,204 memories   3 archived   1 action waits for a yes   see: syncline memory pending list\n',
    );
    expect(screen({ memory: { ...memory, operations: 0 } })).not.toContain('Known');
  });

  it('says who else has the memory, who lags and who differs', () => {
    const peer = { member: 'm', link: null, waiting_since_ms: null, checked_ms: null };
    const peers = {
      ...{ running: true, member: 'us', origin: 'us.1', members: 3, reachable: 2, waiting_writes: 0 },
      ...{ parked: [], alarms: [], damaged: 0, last_upkeep: null },
      peers: [
        { ...peer, name: 'desktop', heard_ms: NOW_MS - 60_000, waiting: 0, diverged_since_ms: NOW_MS },
        { ...peer, name: 'laptop', heard_ms: null, waiting: 12, diverged_since_ms: null },
      ],
    };
    const memory = {
      memories: 1,
      archived: 0,
      pending: 0,
      operations: 1,
      size_bytes: 1,
      write_quorum: 1,
      damaged: 0,
      peers,
    };
    expect(screen({ memory }, 1000)).toContain(
      '          shared by 3 machines, 2 here now   laptop lacks 12 operations, not heard since the start   ' +
        'differs from desktop   see: syncline memory peers list\n',
    );
  });

  describe('of conversations', () => {
    const kept = (...sources: Partial<SessionsSourceStatus>[]): string[] => {
      const conversations = {
        sources: sources.map((source) => fakeConversationSource(source)),
        sessions: 312,
        messages: 48_112,
        removed: { jwt: 3, 'aws-key': 4 },
        last_stored_ms: NOW_MS - 60_000,
      };
      const text = screen({ conversations }, 1000);
      return text.slice(text.indexOf('Kept'), text.indexOf('\nDelivery')).split('\n');
    };

    it('says what is kept and where it comes from', () => {
      expect(kept({ gone: 4 }, { label: 'claude transcripts', in_use: false })).toEqual([
        'Kept      312 conversations, 48,112 messages   7 secrets removed   last stored 14:31',
        '          from agentsview: 312 sessions   4 gone there, kept here',
      ]);
    });

    it('says what is wrong, also of a source that is not in use', () => {
      const paused = { since_ms: NOW_MS - HOUR, vanished: 40, known: 312 };
      const last_error = { at_ms: NOW_MS, code: 'agentsview.locked', message: 'locked\u001b[2J' };
      const [, first, second] = kept({ paused, failing: 2 }, { label: 'claude', in_use: false, last_error });
      expect(first).toContain('2 could not be read   paused since 13:32: 40 of 312 are missing');
      expect(second).toContain('not from claude: 312 sessions   last error 14:32: locked\ufffd[2J (agentsview.locked)');
      expect(kept({ in_use: false })[1]).toContain('read from nowhere');
    });

    it('says nothing where none are kept', () => {
      expect(screen({})).not.toContain('Kept');
    });
  });

  it('says that nothing runs and still what the databases say', () => {
    const text = screen({ running: false, pid: null, started_ms: null, url: null });
    expect(text).toMatch(/^Running {3}no; this is what the databases say {3}start: syncline up\n/);
    expect(text).toContain('312 sessions');
  });

  it.each<[string, Partial<DestinationStatus>, string]>([
    ['up to date', {}, 'team   up to date, 12,345 delivered, last delivery 14:31'],
    [
      'offline is a state',
      {
        offline_since_ms: NOW_MS - HOUR / 2,
        waiting: 1204,
        oldest_waiting_ms: NOW_MS - 3 * HOUR,
        last_error: { at_ms: 1, code: 'dns', message: 'the name is not known' },
      },
      'team   offline since 14:02, 1,204 items wait, oldest 3 h; nothing is lost   the name is not known',
    ],
    [
      'one item',
      { waiting: 1, oldest_waiting_ms: NOW_MS - 5_000 },
      'team   1 item waits, oldest 5 s, 12,345 delivered, last delivery 14:31',
    ],
    ['paused', { state: 'paused', waiting: 2 }, 'team   paused, 2 items wait; nothing is lost'],
    ['removed', { state: 'removed' }, 'team   removed from the configuration'],
    ['draining', { state: 'draining', last_success_ms: null }, 'team   draining, up to date, 12,345 delivered'],
    [
      'faults',
      {
        insecure: true,
        dead_letters: 1,
        held: [{ partition: 'p', class: 'partition', since_ms: NOW_MS - 48 * HOUR, message: '415' }],
        last_success_ms: null,
      },
      'team   up to date, 12,345 delivered   not encrypted   1 dead letter   see: syncline dead-letters list   held since 2026-11-19 14:32, partition: 415',
    ],
  ])('%s', (_, destination, expected) => {
    expect(delivery(destination)).toBe(expected);
  });

  it('calls copies and what is excluded by their own names, not skipped lines', () => {
    const [source] = ALL_READ.sources;
    const shown = (skipped: Record<string, number>): string =>
      screen({ sources: source ? [{ ...source, skipped }] : [] }, 1000);
    expect(shown({ copy: 1204, excluded: 2, malformed: 3 })).toContain(
      '1,204 copies of earlier turns   2 events excluded   3 lines skipped',
    );
    expect(shown({ copy: 1 })).toContain('1 copy of earlier turns');
    expect(shown({ copy: 1 })).not.toContain('skipped');
  });

  it('shows spool, sick loops, full storage and warnings only when there is something to see', () => {
    const text = screen({
      spool: { bytes: 5_000_000, cap_bytes: 64 * 1024 ** 2, dropped: 3 },
      loops: [
        { name: 'sweep', state: 'running', last_error: null, since_ms: NOW_MS },
        { name: 'deliver', state: 'backing off', last_error: 'disk full', since_ms: NOW_MS - 60_000 },
      ],
      storage: { bytes: 5e9, cap_bytes: 5e9, full: true },
      warnings: ['agents may delete unread transcripts'],
    });
    expect(text).toContain('Spool     5.0 MB of 67 MB   3 hook events dropped; transcripts recover what they hold');
    expect(text).toContain('Loops     deliver backing off since 14:31: disk full');
    expect(text).not.toContain('sweep');
    expect(text).toContain('5.0 GB of 5.0 GB, full: reading has stopped, nothing is lost');
    expect(text).toContain('\n! agents may delete unread transcripts');
  });

  it('fits 80 columns', () => {
    const destinations = [
      {
        ...TEAM,
        offline_since_ms: NOW_MS - HOUR,
        waiting: 1204,
        oldest_waiting_ms: NOW_MS - 3 * HOUR,
        dead_letters: 12,
      },
    ];
    for (const line of screen({ nothing_leaves: false, destinations }, 80).split('\n'))
      expect(line.length).toBeLessThanOrEqual(80);
  });
});
