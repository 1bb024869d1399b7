import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HybridClock, MAX_AHEAD_MS } from './hybrid-clock.ts';
import { MAX_COUNTER, formatStamp, parseStamp, parseTime, stampTime, timeText } from './stamp.ts';

const wall = (start: number) => {
  const clock = { ms: start, now_ms: () => clock.ms, monotonic_ms: () => clock.ms };
  return clock;
};
const NOW = 1_800_000_000_000;

test('text order is clock order', () => {
  const stamp = fc.record({
    ms: fc.nat(99_999_999_999_999),
    counter: fc.nat(MAX_COUNTER),
    origin: fc.constantFrom('a.1', 'a.10', 'b.1'),
  });
  fc.assert(
    fc.property(stamp, stamp, (a, b) => {
      const byParts = a.ms - b.ms || a.counter - b.counter || (a.origin < b.origin ? -1 : Number(a.origin > b.origin));
      const [x, y] = [formatStamp(a), formatStamp(b)];
      expect(Math.sign(byParts)).toBe(x < y ? -1 : Number(x > y));
      expect(parseStamp(x)).toEqual(a);
    }),
  );
});

test('stamps only grow: the wall clock steps back, stands still, a peer is ahead (M5, T5)', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.integer({ min: -3_600_000, max: 5000 }),
          fc.constant('next'),
          fc.nat(3_600_000).map((n) => ({ peer: n })),
        ),
        { maxLength: 60 },
      ),
      (steps) => {
        const clock = wall(NOW);
        let hybrid = new HybridClock(clock, 'a.1');
        let last = '';
        for (const step of steps) {
          if (typeof step === 'number') clock.ms += step;
          else if (step === 'next') {
            const stamp = hybrid.next();
            expect(stamp > last).toBe(true);
            last = stamp;
            // A restart goes on from what was kept.
            hybrid = new HybridClock(clock, 'a.1', hybrid.mark());
          } else {
            const peer = formatStamp({ ms: clock.ms + step.peer, counter: 7, origin: 'z.1' });
            hybrid.observe(peer);
            if (peer > last) last = peer;
          }
        }
      },
    ),
  );
});

test('a full counter goes on in the next millisecond', () => {
  const hybrid = new HybridClock(wall(NOW), 'a.1', { ms: NOW, counter: MAX_COUNTER - 1 });
  expect([hybrid.next(), hybrid.next()].map((stamp) => parseStamp(stamp))).toEqual([
    { ms: NOW, counter: MAX_COUNTER, origin: 'a.1' },
    { ms: NOW + 1, counter: 0, origin: 'a.1' },
  ]);
});

test('an hour ahead is adopted; more than a day is refused and poisons nothing (T5, D9)', () => {
  const hybrid = new HybridClock(wall(NOW), 'a.1');
  hybrid.observe(formatStamp({ ms: NOW + 3_600_000, counter: 3, origin: 'b.1' }));
  expect(parseStamp(hybrid.next())).toMatchObject({ ms: NOW + 3_600_000, counter: 4 });
  expect(() => hybrid.observe(formatStamp({ ms: NOW + MAX_AHEAD_MS + 1, counter: 0, origin: 'b.1' }))).toThrow(
    'more than a day ahead',
  );
  expect(parseStamp(hybrid.next())?.ms).toBe(NOW + 3_600_000);
});

test.each(['', 'x', '018f2c3a4b5d-0003-', '018f2c3a4b5d-0003-A.1', '018F2C3A4B5D-0003-a.1', 'ffffffffffff-0000-a.1'])(
  'not a stamp: %s',
  (text) => expect(parseStamp(text)).toBeNull(),
);

test('times have a fixed width, the counter in the nanoseconds, and are read in the forms of the original (§3.4)', () => {
  expect(stampTime(formatStamp({ ms: NOW + 123, counter: 65_535, origin: 'a.1' }))).toBe(
    '2027-01-15T08:00:00.123065535+00:00',
  );
  expect(timeText(NOW)).toBe('2027-01-15T08:00:00.000000000+00:00');
  expect(
    [
      '2027-01-15T08:00:00Z',
      '2027-01-15T08:00:00.000000999+00:00',
      '2027-01-15T13:30:00+05:30',
      '2027-01-15 08:00:00.0Z',
    ].map(parseTime),
  ).toEqual([NOW, NOW, NOW, NOW]);
  expect(['', 'yesterday', '2027-13-45T00:00:00Z', '2027-01-15', '1800000000'].map(parseTime)).toEqual([
    null,
    null,
    null,
    null,
    null,
  ]);
});
