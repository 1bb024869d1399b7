import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../platform/errors.ts';
import { loadHashing } from './hashing.ts';
import type { JsonValue } from './json.ts';
import { createRedactor, digestOfRules } from './redactor.ts';
import { findMarkers, totalOf, type Tally } from './report.ts';
import { RULE_SET, rules } from './rules.ts';

const hashing = await loadHashing();
const salt = new Uint8Array(32);
const redactor = createRedactor({ hashing, salt, workspace: '/proj' });
const text = (value: string): string => redactor.redactText(value);
const json = (value: JsonValue): JsonValue => redactor.redactValue(value);

describe('the wire’s vectors (telemetry specification §3.5)', () => {
  it.each([
    ['contact me at user@example.com ok', 'contact me at <REDACTED:email> ok'],
    ['file /Users/alice/secret.txt', 'file <94fcd61c:file>'],
    ['cd /home/bob/src/app', 'cd <342c9ab9:path>'],
    ['/private/var/folders/ab/T/x.log', '/private<a56b5799:file>'],
    ['Authorization: Bearer abc.def', '<REDACTED:token> <REDACTED:token>'],
    ['x=sk-abc,y=1 z', 'x=<REDACTED:token> z'],
  ])('%j', (input, output) => {
    expect(text(input)).toBe(output);
  });
  it('a command in tool_args', () => {
    expect(json({ tool_args: { command: 'export FOO_TOKEN=abc && curl sk-123 /home/bob/x' } })).toEqual({
      tool_args: { command: 'export <REDACTED:arg> && curl <REDACTED:arg> <86f9f0fe:path>' },
    });
  });
});

describe('the walker (§3.2, §3.4)', () => {
  it('drops and replaces members by name at any depth, in arrays and in tool_args', () => {
    const input = {
      list: [{ user: 'a', keep: 1, deep: { email: 'b', git_email: 'c', prompt_text: 'd', completion_text: 'e' } }],
      tool_args: { user: 'a', env: { A: 'b' }, API_TOKEN: 'x', SOME_KEY: 5, text: 'ok' },
    };
    expect(json(input)).toEqual({
      list: [{ keep: 1, deep: {} }],
      tool_args: {
        env: '<REDACTED:secret>',
        API_TOKEN: '<REDACTED:secret>',
        SOME_KEY: '<REDACTED:secret>',
        text: 'ok',
      },
    });
  });
  it('the first word of a command is judged by the text rules only, further ones as arguments', () => {
    const long = 'Ab1'.repeat(14);
    expect(json({ command: `${long} ${long} x=1 A=mySECRETa` })).toEqual({
      command: `${long} <REDACTED:arg> x=1 <REDACTED:arg>`,
    });
  });
  it('leaves numbers, booleans and null alone', () => {
    const input = { a: [1, -2.5, true, null], tokens_in: 12, token: 7, has_token: true, password: null };
    expect(json(input)).toBe(input);
  });
});

describe('holes of the original, closed (§3.6)', () => {
  it('1: prompts and tool results under the agents’ real names are redacted', () => {
    const out = JSON.stringify(
      json({ prompt: 'use ghp_' + 'a1'.repeat(18), tool_response: { stdout: 'mail a@b.co' } }),
    );
    expect(out).not.toContain('a1a1');
    expect(out).not.toContain('a@b.co');
  });
  it.each([[{ command: 'export DB_TOKEN=hunter2' }], [{ tool_input: { command: 'export DB_TOKEN=hunter2' } }]])(
    '2: a command that is a string: %j',
    (input) => {
      expect(JSON.stringify(json(input))).not.toContain('hunter2');
      expect(JSON.stringify(json(input))).toContain('export <REDACTED:arg>');
    },
  );
  it('3: a command that is an array, and what stands beside it', () => {
    const input = {
      tool_args: {
        command: [
          'bash',
          '-lc',
          'curl -H "X-Api-Key: abcdef" /home/bob/x --password swordfish',
          '--token',
          'plainword',
        ],
        env: { X: 'y' },
        MY_TOKEN: 'z',
      },
    };
    const out = JSON.stringify(json(input));
    for (const secret of ['abcdef', 'bob', 'swordfish', 'plainword', '"y"', '"z"']) expect(out).not.toContain(secret);
    expect(out).toContain('"bash","-lc","curl -H');
  });
  it.each([
    ['Authorization: Basic eHl6', 'eHl6'],
    ['-H "X-Api-Key: abc123"', 'abc123'],
    ['password=hunter2', 'hunter2'],
    ['https://me:pw@host/x', 'pw@'],
  ])('4: %j', (input, secret) => {
    expect(text(input)).not.toContain(secret);
  });
  it.each([
    'C:\\Users\\alice\\x.txt',
    '\\\\srv01\\home\\alice',
    ...['root', 'tmp', 'mnt', 'opt', 'workspace'].map((root) => `/${root}/alice`),
  ])('5: no user name is left of %j', (input) => {
    expect(text(`at ${input} end`)).toMatch(/^at <[0-9a-f]{8}:(?:file|path)> end$/);
  });
  it.each([
    'see https://example.com/a/b?c=d#e',
    'task-123 is done',
    'risk-free',
    '12:30 or a:b',
    'git@github.com:org/repo',
  ])('6, 7: %j survives', (input) => {
    expect(text(input)).toBe(input);
  });
  it('6: compact JSON is not cut to its end', () => {
    expect(text('{"a":"sk-abc","b":"keep"')).toBe('{"a":"<REDACTED:token>","b":"keep"');
    expect(json('{"a":"sk-abc","b":"keep"}')).toBe('{"a":"<REDACTED:token>","b":"keep"}');
  });
  it('7: a path with blanks leaves no user name', () => {
    expect(text('open /Users/Alice Smith/Documents/x.txt now')).not.toMatch(/Alice|Smith/);
    expect(text('open C:\\Users\\Alice Smith\\x.txt now')).not.toMatch(/Alice|Smith/);
    expect(text('open "/Users/alice/My Plans/x y.txt" now')).toMatch(/^open "<[0-9a-f]{8}:file>" now$/);
  });
  it('8: object keys are redacted, and lower-case names are secret', () => {
    const out = json({ 'a@b.co': 1, 'c@d.co': 2, api_key: 'x1', apiKey: 'x2', 'x-api-key': 'x3', password: 12345678 });
    expect(out).toEqual({
      '<REDACTED:email>': 1,
      '<REDACTED:email>#2': 2,
      api_key: '<REDACTED:secret>',
      apiKey: '<REDACTED:secret>',
      'x-api-key': '<REDACTED:secret>',
      password: '<REDACTED:secret>',
    });
  });
  it('names of counts are no secrets', () => {
    const input = {
      tokens_in: 'n',
      max_tokens: 'n',
      token_count: 'n',
      input_tokens: 'n',
      key: 'n',
      primary_key: 'n',
      monkey: 'n',
    };
    expect(json(input)).toBe(input);
  });
});

describe('strings that are JSON', () => {
  it('are walked and joined again, at any depth of nesting', () => {
    const inner = JSON.stringify({ password: 'a', text: JSON.stringify({ user: 'b', cmd: 'echo' }) });
    expect(json({ body: inner })).toEqual({ body: '{"password":"<REDACTED:secret>","text":"{\\"cmd\\":\\"echo\\"}"}' });
  });
  it('keep their spelling when nothing is found', () => {
    const spaced = '{ "a" : [1.50, 2e3] , "token" : 1234567 }';
    expect(json(spaced)).toBe(spaced);
  });
  it('keep numbers that a double cannot hold', () => {
    expect(json('{"id":12345678901234567890,"x":1e400,"password":"p"}')).toBe(
      '{"id":12345678901234567890,"x":1e400,"password":"<REDACTED:secret>"}',
    );
  });
  it('cannot hide a secret in a member that parsing drops', () => {
    expect(json(`{"a":"${'ghp_' + 'a1'.repeat(18)}","a":"clean"}`)).toBe('{"a":"clean"}');
  });
  it('a member named __proto__ stays a member', () => {
    const out = json(JSON.parse('{"__proto__":{"password":"x"},"b":"a@b.co"}') as JsonValue);
    expect(JSON.stringify(out)).toBe('{"__proto__":{"password":"<REDACTED:secret>"},"b":"<REDACTED:email>"}');
  });
});

describe('it fails closed (R23)', () => {
  const limited = (limits: object): ReturnType<typeof createRedactor> => createRedactor({ hashing, salt, limits });
  it('text over the limit', () => {
    const tally: Tally = new Map();
    expect(limited({ max_text_chars: 10 }).redactValue({ a: 'é'.repeat(11) }, tally)).toEqual({
      a: '[REDACTED:unscanned bytes=22]',
    });
    expect([...tally]).toEqual([['unscanned', 1]]);
  });
  it('too deep: the subtree goes, also of a value that no recursion could walk', () => {
    const deep = JSON.parse('['.repeat(100_000) + '"ghp_"' + ']'.repeat(100_000)) as JsonValue;
    const out = JSON.stringify(redactor.redactValue({ deep, other: 'kept' }));
    expect(out).toContain(`[REDACTED:unscanned bytes=${200_006 - 63 * 2}]`);
    expect(out).toContain('kept');
  });
  it('too many values', () => {
    const out = limited({ max_nodes: 10 }).redactValue(Array.from({ length: 20 }, () => 'text'));
    expect(out).toContain('[REDACTED:unscanned bytes=4]');
  });
  it('too late', () => {
    let now = 0;
    const clock = { now_ms: () => 0, monotonic_ms: () => (now += 100) };
    const slow = createRedactor({ hashing, salt, clock, limits: { max_ms: 50 } });
    const out = slow.redactValue(Array.from({ length: 100 }, () => 'text')) as string[];
    expect(out.at(0)).toBe('text');
    expect(out.at(-1)).toBe('[REDACTED:unscanned bytes=4]');
  });
  it('an exception inside', () => {
    const broken = {
      ...hashing,
      hashWithSalt: () => {
        throw new Error('boom');
      },
    };
    const tally: Tally = new Map();
    const out = createRedactor({ hashing: broken, salt }).redactValue({ a: 'password=hunter2', b: 'ok' }, tally);
    expect(out).toEqual({ a: '[REDACTED:unscanned bytes=16]', b: 'ok' });
    expect(tally.get('unscanned')).toBe(1);
  });
});

describe('markers and reports', () => {
  it('tags tell equal secrets apart from others, under one salt only', () => {
    const tag = (r: typeof redactor, secret: string): string | undefined =>
      /:([0-9a-f]{8})\]/.exec(r.redactText(`password=${secret}`))?.[1];
    expect(tag(redactor, 'hunter2')).toBe(tag(redactor, 'hunter2'));
    expect(tag(redactor, 'hunter2')).not.toBe(tag(redactor, 'hunter3'));
    const other = createRedactor({ hashing, salt: new Uint8Array(32).fill(1) });
    expect(tag(other, 'hunter2')).not.toBe(tag(redactor, 'hunter2'));
  });
  it('tags = false leaves them out', () => {
    const plain = createRedactor({ hashing, salt, tags: false });
    expect(plain.redactText('password=hunter2')).toBe('password=[REDACTED:bare-assignment]');
  });
  it('counts by rule and finds the places', () => {
    const tally: Tally = new Map();
    const out = redactor.redactValue({ a: 'x@y.co and z@y.co', user: 'me', token: 'abc' }, tally);
    expect(Object.fromEntries(tally)).toEqual({ email: 2, 'dropped-key': 1, 'secret-key': 1 });
    expect(totalOf(tally)).toBe(4);
    expect(findMarkers((out as { a: string }).a)).toEqual([
      { start: 0, end: 16, what: 'email' },
      { start: 21, end: 37, what: 'email' },
    ]);
  });
});

describe('rule sets', () => {
  it('the built-in name says which rules it stands for: write the digest into RULE_SET when they change', () => {
    expect(RULE_SET).toBe(`r1-${digestOfRules(hashing, rules)}`);
  });
  const extra = [
    { name: 'codename', anchors: ['blackbird'], pattern: 'blackbird(?:-[a-z]{1,8})?', ignore_case: true as const },
  ];
  it('have a stable name that changes with the rules', () => {
    const again = createRedactor({ hashing, salt: new Uint8Array(32).fill(9), workspace: '/other' });
    expect(again.rule_set).toBe(redactor.rule_set);
    expect(redactor.rule_set).toMatch(/^r\d+-[0-9a-f]{10}$/);
    expect(createRedactor({ hashing, salt, tags: false }).rule_set).not.toBe(redactor.rule_set);
    expect(createRedactor({ hashing, salt, extra_rules: extra }).rule_set).not.toBe(redactor.rule_set);
  });
  it('take own rules first', () => {
    const own = createRedactor({ hashing, salt, extra_rules: extra });
    expect(own.redactText('the Blackbird-two plan')).toMatch(/^the \[REDACTED:codename:[0-9a-f]{8}\] plan$/);
  });
  it.each([
    [{ name: 'email', anchors: ['x'], pattern: 'x' }, 'rule-name'],
    [{ name: 'Bad Name', anchors: ['x'], pattern: 'x' }, 'rule-name'],
    [{ name: 'broken', anchors: ['x'], pattern: '(' }, 'rule-pattern'],
    [{ name: 'nowhere', anchors: [], pattern: 'x' }, 'rule-anchor'],
  ])('refuse %j', (rule, code) => {
    expect(() => createRedactor({ hashing, salt, extra_rules: [rule] })).toThrow(InvalidInputError);
    expect(() => createRedactor({ hashing, salt, extra_rules: [rule] })).toThrow(
      expect.objectContaining({ code }) as Error,
    );
  });
});
