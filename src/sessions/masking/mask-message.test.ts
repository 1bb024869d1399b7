import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConversationHead, ConversationMessage, ConversationToolCall } from '../../agents/conversation.ts';
import { examples } from '../../redaction/examples.ts';
import { loadHashing } from '../../redaction/hashing.ts';
import type { Tally } from '../../redaction/report.ts';
import { maskHead } from './mask-head.ts';
import { maskMessage } from './mask-message.ts';
import { createMasker } from './masker.ts';

const hashing = await loadHashing();
const salt = new Uint8Array(32).fill(3);
const ROOT = '/home/ada/shop';
const masker = createMasker({ hashing, salt, workspace: 'github.com/acme/shop', root: ROOT });
const positives = Object.values(examples).flatMap((example) => example.positive);

const call: ConversationToolCall = {
  index: 0,
  tool_use_id: 'toolu_01',
  tool_name: 'Bash',
  category: 'Bash',
  input_json: '{"command":"npm test","description":"Run the tests"}',
  skill_name: null,
  file_path: null,
  subagent_native_id: null,
  result: 'ok\n',
  result_bytes: 3,
  is_error: false,
  result_at_ms: 2_000,
};
const message: ConversationMessage = {
  ordinal: 7,
  role: 'assistant',
  content: 'The tests pass.',
  thinking: null,
  timestamp_ms: 1_000,
  model: 'claude-sonnet-4-5',
  is_system: false,
  is_sidechain: false,
  is_compact_boundary: false,
  source_uuid: '0b6f2d3e-0000-4000-8000-000000000001',
  usage: { input_tokens: 1, output_tokens: 2, cache_read_tokens: 3, cache_write_tokens: 4, context_tokens: 5 },
  tool_calls: [call],
  cut_bytes: 0,
};
const head: ConversationHead = {
  native_id: '0b6f2d3e-0000-4000-8000-000000000002',
  agent_session_id: null,
  agent: 'claude',
  agent_version: '2.0.1',
  machine: 'adas-laptop',
  project_label: 'shop',
  cwd: `${ROOT}/packages/web`,
  git_branch: 'main',
  repository: 'github.com/acme/shop',
  title: 'Tests',
  first_message: 'run the tests',
  started_at_ms: 1,
  ended_at_ms: 2,
  parent_native_id: null,
  relationship: '',
  termination_status: 'clean',
  is_automated: false,
  is_truncated: false,
  total_output_tokens: 2,
  peak_context_tokens: 5,
  starred_at_ms: null,
  pins: [{ ordinal: 7, note: 'look here', created_at_ms: 3 }],
  presence: { kind: 'present' },
};
const maskCall = (changes: Partial<ConversationToolCall>): ConversationToolCall | undefined =>
  maskMessage(masker, { ...message, tool_calls: [{ ...call, ...changes }] }, new Map()).tool_calls[0];

describe('a clean message', () => {
  it('comes through as it is, and nothing is counted', () => {
    const tally: Tally = new Map();
    expect(maskMessage(masker, message, tally)).toEqual(message);
    expect(tally.size).toBe(0);
  });
});

/** Every text of a message, and how a test puts a text there. */
const fields: readonly (readonly [string, (text: string) => Partial<ConversationMessage>])[] = [
  ['content', (text) => ({ content: text })],
  ['thinking', (text) => ({ thinking: text })],
  ['model', (text) => ({ model: text })],
  ['source_uuid', (text) => ({ source_uuid: text })],
  ['role', (text) => ({ role: text })],
  ['tool input', (text) => ({ tool_calls: [{ ...call, input_json: JSON.stringify({ deep: [{ text }] }) }] })],
  ['tool input, as a key', (text) => ({ tool_calls: [{ ...call, input_json: JSON.stringify({ [text]: 1 }) }] })],
  [
    'tool input, JSON in JSON',
    (text) => ({ tool_calls: [{ ...call, input_json: JSON.stringify({ a: JSON.stringify({ text }) }) }] }),
  ],
  ['a JSON string as input', (text) => ({ tool_calls: [{ ...call, input_json: JSON.stringify(text) }] })],
  ['an input that is no JSON', (text) => ({ tool_calls: [{ ...call, input_json: text }] })],
  ['result', (text) => ({ tool_calls: [{ ...call, result: text }] })],
  ['a JSON result', (text) => ({ tool_calls: [{ ...call, result: JSON.stringify([{ text }], null, 2) }] })],
  ['tool_name', (text) => ({ tool_calls: [{ ...call, tool_name: text }] })],
  ['category', (text) => ({ tool_calls: [{ ...call, category: text }] })],
  ['skill_name', (text) => ({ tool_calls: [{ ...call, skill_name: text }] })],
  ['tool_use_id', (text) => ({ tool_calls: [{ ...call, tool_use_id: text }] })],
  ['file_path', (text) => ({ tool_calls: [{ ...call, file_path: text }] })],
  ['subagent_native_id', (text) => ({ tool_calls: [{ ...call, subagent_native_id: text }] })],
];
const headFields: readonly (readonly [string, (text: string) => Partial<ConversationHead>])[] = [
  ['native_id', (text) => ({ native_id: text })],
  ['agent', (text) => ({ agent: text })],
  ['agent_version', (text) => ({ agent_version: text })],
  ['cwd', (text) => ({ cwd: text })],
  ['git_branch', (text) => ({ git_branch: text })],
  ['title', (text) => ({ title: text })],
  ['first_message', (text) => ({ first_message: text })],
  ['termination_status', (text) => ({ termination_status: text })],
  ['pin note', (text) => ({ pins: [{ ordinal: 1, note: text, created_at_ms: null }] })],
];

/** Every text a reader could find in the value: raw, and with nested JSON taken apart. */
function texts(value: unknown): string[] {
  if (typeof value === 'string') {
    try {
      const inner: unknown = JSON.parse(value);
      return typeof inner === 'object' || typeof inner === 'string' ? [value, ...texts(inner)] : [value];
    } catch {
      return [value];
    }
  }
  if (typeof value !== 'object' || value === null) return [String(value)];
  return Object.entries(value).flatMap(([key, item]) => [key, ...texts(item)]);
}

const planted = fc.constantFrom(...positives);
const words = fc.stringMatching(/^[a-z ]{0,60}$/);

describe('every positive example of every rule', () => {
  it.each(fields)('in %s: no byte comes out, it is counted, and masking again changes nothing', (_name, place) => {
    fc.assert(
      fc.property(planted, words, words, ([before, secret, after], lead, tail) => {
        const raw = { ...message, ...place(`${lead}\n${before}${secret}${after}\n${tail}`) };
        const tally: Tally = new Map();
        const masked = maskMessage(masker, raw, tally);
        expect(texts(masked).filter((text) => text.includes(secret))).toEqual([]);
        expect(tally.size).toBeGreaterThan(0);
        const again: Tally = new Map();
        expect(maskMessage(masker, masked, again)).toEqual(masked);
      }),
      { numRuns: 150 },
    );
  });
  it.each(headFields)('in a head, in %s', (_name, place) => {
    fc.assert(
      fc.property(planted, words, ([before, secret, after], lead) => {
        const masked = maskHead(masker, { ...head, ...place(`${lead}\n${before}${secret}${after}\n`) }, new Map());
        expect(texts(masked).filter((text) => text.includes(secret))).toEqual([]);
        const { cwd, native_id, ...rest } = masked;
        expect(maskHead(masker, { ...head, ...rest, cwd, native_id }, new Map())).toEqual(masked);
      }),
      { numRuns: 100 },
    );
  });
});

it('finds a path that begins where an address ended, at once', () => {
  const once = masker.json('["user@example.com/home/ada/shop"]', new Map());
  expect(once).not.toContain('/home/ada');
  expect(masker.json(once, new Map())).toBe(once);
});

describe('what is valid JSON stays valid JSON', () => {
  it('however values and pieces of secrets meet', () => {
    const pieces = fc
      .array(
        fc.oneof(
          fc.constantFrom(...positives.flat(), '"', '\\', '\\"', '{', ROOT, '\0'),
          fc.string({ unit: 'binary', maxLength: 6 }),
        ),
        { maxLength: 6 },
      )
      .map((parts) => parts.join(''));
    const json = fc.letrec<{ json: unknown }>((tie) => ({
      json: fc.oneof(
        { maxDepth: 4 },
        pieces,
        fc.constantFrom(null, true, 12, 1.5),
        fc.array(tie('json'), { maxLength: 4 }),
        fc.dictionary(
          fc.oneof(pieces, fc.constantFrom('command', 'env', 'user', 'content', '__proto__')),
          tie('json'),
          { maxKeys: 4 },
        ),
      ),
    })).json;
    fc.assert(
      fc.property(json, fc.constantFrom(undefined, 2, '\t'), (value, indent) => {
        const once = masker.json(JSON.stringify(value, null, indent), new Map());
        expect(() => void JSON.parse(once)).not.toThrow();
        expect(masker.json(once, new Map())).toBe(once);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('harmless members and words stay', () => {
  it('keys that the telemetry wire drops or empties are content here', () => {
    const input = {
      user: 'postgres',
      content: 'x',
      email: 'none',
      env: { NODE_ENV: 'production', DEBUG: '1' },
      prompt_text: 'hello',
    };
    expect(maskCall({ input_json: JSON.stringify(input) })?.input_json).toBe(JSON.stringify(input));
  });
  it('of an environment only the secrets go', () => {
    const input = {
      env: { NODE_ENV: 'test', DB_PASS: 'abc', MY_TOKEN_OF_X: 'abcdef', KEYBOARD: 'de', PORT: 80, AUTH: { a: 1 } },
    };
    expect(JSON.parse(maskCall({ input_json: JSON.stringify(input) })?.input_json ?? '')).toEqual({
      env: {
        NODE_ENV: 'test',
        DB_PASS: '<REDACTED:secret>',
        MY_TOKEN_OF_X: '<REDACTED:secret>',
        KEYBOARD: 'de',
        PORT: 80,
        AUTH: '<REDACTED:secret>',
      },
    });
  });
  it.each([
    'git push origin feature/improve-the-onboarding-of-new-team-members',
    'ls packages/core/src/components/UserProfileCardHeader',
    'docker build --build-arg=KEYCLOAK_URL=http://localhost:8080 .',
    'export GITHUB_TOKEN=$(gh auth token)',
    'git show 0123456789abcdef0123456789abcdef01234567',
  ])('%j', (command) => {
    const input_json = JSON.stringify({ command });
    expect(maskCall({ input_json })?.input_json).toBe(input_json);
  });
  it('a random word of a command goes', () => {
    const random = 'a7Kq2ZbX9mR4tYw8LcD3vNf6HsJ1gPu5a7Kq2ZbX9m';
    expect(maskCall({ input_json: JSON.stringify({ command: `deploy ${random}` }) })?.input_json).toBe(
      '{"command":"deploy <REDACTED:arg>"}',
    );
  });
  it('a JSON result keeps its lines when a secret in it goes', () => {
    const result = JSON.stringify({ name: 'shop', mail: 'ada@example.com', list: [1] }, null, 2) + '\n';
    expect(maskCall({ result })?.result).toBe(result.replace('ada@example.com', '<REDACTED:email>'));
  });
});

describe('paths', () => {
  it('below the workspace become relative, in text, JSON and file_path', () => {
    expect(masker.text(`cd ${ROOT} && cat ${ROOT}/src/user.ts:42`, new Map())).toBe('cd . && cat ./src/user.ts:42');
    expect(maskCall({ file_path: `${ROOT}/src/user.ts` })?.file_path).toBe('src/user.ts');
    expect(maskCall({ input_json: `{"file_path":"${ROOT}/src/user.ts"}` })?.input_json).toBe(
      '{"file_path":"./src/user.ts"}',
    );
  });
  it.each([
    `${ROOT}-old/x.ts`,
    `${ROOT}.git/config`,
    '/home/ada/other/x.ts',
    `file://${ROOT}/x.ts`,
    '/home/ada/My Files/a b.ts',
  ])('%s elsewhere becomes its hash', (path) => {
    const masked = maskCall({ file_path: path })?.file_path;
    expect(masked).toMatch(/^(?:file:\/\/)?<[0-9a-f]{8}:(?:file|path)>$/);
  });
  it('a relative path and one of the system stay', () => {
    expect(maskCall({ file_path: 'src/a b.ts' })?.file_path).toBe('src/a b.ts');
    expect(maskCall({ file_path: '/etc/hosts' })?.file_path).toBe('/etc/hosts');
  });
});

describe('ids', () => {
  it('lose the host that a viewer puts before them, and stay the same id', () => {
    const masked = masker.nativeId('adas-laptop~codex:0b6f', new Map());
    expect(masked).toMatch(/^h-[0-9a-f]{8}~codex:0b6f$/);
    expect(masker.nativeId(masked, new Map())).toBe(masked);
    expect(masker.nativeId('codex:0b6f', new Map())).toBe('codex:0b6f');
  });
});

describe('fails closed (R23)', () => {
  it('what takes too long or is too long is replaced and counted', () => {
    const small = createMasker({ hashing, salt, workspace: 'w', root: null, limits: { max_text_chars: 100 } });
    const tally: Tally = new Map();
    expect(small.text('x'.repeat(101), tally)).toBe('[REDACTED:unscanned bytes=101]');
    expect(tally.get('unscanned')).toBe(1);
  });
  it('text that no store can hold is made whole', () => {
    expect(masker.text('a\0b\ud800c', new Map())).toBe('a\ufffdb\ufffdc');
  });
});
