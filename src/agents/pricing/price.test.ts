import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Usage } from '../event.ts';
import { PRICE_TABLE, PRICE_TABLE_DATE } from './price-table.ts';
import { priceList, priceOf } from './price.ts';

const NOVEMBER = Date.parse('2026-11-10T12:00:00Z');

function usage(parts: Partial<Usage>): Usage {
  return {
    input: 0,
    output: 0,
    reasoning: null,
    cache_read: 0,
    cache_write_5m: 0,
    cache_write_1h: 0,
    web_searches: 0,
    speed: null,
    ...parts,
  };
}

const micro = (parts: Partial<Usage>, model: string | null, at = NOVEMBER): number | null =>
  priceOf(usage(parts), model, at).micro_usd;

describe('list prices', () => {
  it('prices every part of a response on its own (specification §2.11, response A)', () => {
    const a = { input: 10, output: 120, cache_write_5m: 400, cache_write_1h: 600, cache_read: 2000 };
    expect(micro(a, 'claude-opus-5')).toBe(12_550);
    expect(priceOf(usage(a), 'claude-opus-5', NOVEMBER).price_date).toBe(PRICE_TABLE_DATE);
  });

  it('keeps the telemetry vector: claude-sonnet-4, 1000 in, 500 out', () => {
    expect(micro({ input: 1000, output: 500 }, 'claude-sonnet-4')).toBe(10_500);
  });

  it('pitfall 24: one-hour cache writes cost 2 times the input, five-minute ones 1.25 times', () => {
    expect(micro({ cache_write_1h: 600, cache_write_5m: 400 }, 'claude-opus-5')).toBe(600 * 10 + 400 * 6.25);
  });

  it('has write prices of 1.25 and 2 times the input for every priced Claude row', () => {
    for (const row of PRICE_TABLE.filter((r) => r.model.startsWith('claude-') && r.input !== null)) {
      expect([row.model, row.cache_write_5m, row.cache_write_1h]).toEqual([
        row.model,
        (row.input ?? 0) * 1.25,
        (row.input ?? 0) * 2,
      ]);
    }
  });

  it.each([
    'claude-opus-5[1m]',
    'anthropic/claude-opus-5',
    'openrouter/anthropic/Claude-Opus-5',
    'claude-opus-4.7',
    'claude-opus-5-20260724',
    'claude-opus-4-5@20251101',
    'us.anthropic.claude-opus-4-5-20251101-v1:0',
    'anthropic.claude-opus-4-6-v1',
    'claude-opus-5 (high)',
  ])('pitfall 46: %s is priced by its base id', (model) => {
    expect(micro({ input: 100, output: 10 }, model)).toBe(750);
  });

  it('pitfall 47: an id that only begins like a row is unpriced', () => {
    const only_gpt_5_5 = priceList([{ ...PRICE_TABLE[0]!, model: 'gpt-5.5' }], '2026-11-01');
    expect(only_gpt_5_5(usage({ input: 1 }), 'gpt-5.5', NOVEMBER).micro_usd).not.toBeNull();
    expect(only_gpt_5_5(usage({ input: 1 }), 'gpt-5.5-codex', NOVEMBER).micro_usd).toBeNull();
    expect(micro({ input: 1 }, 'gpt-5.4-codex')).toBeNull();
    expect(micro({ input: 1 }, 'claude-opus-5-next')).toBeNull();
  });

  it('pitfall 48: the band is decided by one request: 100 000 is lower, 100 001 upper, output included', () => {
    const haiku = (cache_read: number): number | null =>
      micro({ input: 1000, cache_read, output: 1000 }, 'claude-haiku-5-5');
    expect(haiku(59_000)).toBe(100 + 590 + 500);
    expect(haiku(99_000)).toBe(100 + 990 + 500);
    expect(haiku(99_001)).toBe(500 + 4950 + 2500);
  });

  it('pitfall 49: Sonnet 5.5 cache reads cost 0.20 on 6 October 2026 and 0.10 from the 7th', () => {
    const on = (day: string): number | null => micro({ cache_read: 1_000_000 }, 'claude-sonnet-5-5', Date.parse(day));
    expect(on('2026-10-06T23:59:59.999Z')).toBe(200_000);
    expect(on('2026-10-07T00:00:00Z')).toBe(100_000);
    expect(on('2026-10-08T00:00:00Z')).toBe(100_000);
  });

  it('a response dated before the first row has the first row’s price', () => {
    expect(micro({ cache_read: 1_000_000 }, 'claude-sonnet-5-5', Date.parse('2026-01-01'))).toBe(200_000);
  });

  it('adds the fee of web searches', () => {
    expect(micro({ input: 1, web_searches: 2 }, 'claude-opus-5')).toBe(20_005);
  });

  it('leaves unpriced what is unknown: model, part, fast mode, tied rows, no usage', () => {
    expect(micro({ input: 1 }, 'unheard-of')).toBeNull();
    expect(micro({ input: 1 }, null)).toBeNull();
    expect(micro({ input: 1, cache_read: 1 }, 'gpt-5-nano')).toBeNull();
    expect(micro({ input: 1 }, 'gpt-5-nano')).toBe(0);
    expect(micro({ input: 1, speed: 'fast' }, 'claude-opus-5')).toBeNull();
    expect(micro({ input: 300_000 }, 'gpt-6-astra')).toBeNull();
    expect(priceOf(null, 'claude-opus-5', NOVEMBER).micro_usd).toBeNull();
    const opus = PRICE_TABLE.filter((row) => row.model === 'claude-opus-5');
    const tied = priceList([...opus, ...opus.map((row) => ({ ...row, model: 'Claude.Opus.5' }))], '2026-11-01');
    expect(tied(usage({ input: 1 }), 'claude-opus-5', NOVEMBER).micro_usd).toBeNull();
  });

  it('rounds once for a response, half up', () => {
    expect(micro({ cache_read: 1 }, 'claude-opus-5')).toBe(1);
    expect(micro({ cache_read: 3 }, 'claude-opus-5')).toBe(2);
    expect(micro({ input: 1, cache_read: 1, cache_write_5m: 1 }, 'claude-opus-5')).toBe(12);
  });

  it('is exact for any counts: integers, monotone in every part', () => {
    const count = fc.integer({ min: 0, max: 2 ** 40 });
    fc.assert(
      fc.property(count, count, count, (input, output, cache_read) => {
        const price = micro({ input, output, cache_read }, 'claude-opus-5')!;
        expect(Number.isInteger(price)).toBe(true);
        expect(micro({ input: input + 1, output, cache_read }, 'claude-opus-5')).toBe(price + 5);
      }),
    );
  });

  it('accepts any string as a model id', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (model) => {
        expect(micro({}, model) ?? 0).toBe(0);
      }),
    );
  });
});
