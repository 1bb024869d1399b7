import fc from 'fast-check';
import { parse as parseJson } from 'jsonc-parser';
import { parse as parseToml, stringify } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { contentsOf, withOurs, withoutOurs } from './contents.ts';
import type { ConfigPlace } from './places.ts';
import type { Program } from './program.ts';

const PROGRAM: Program = { path: "/opt/it's here/syncline", home: null, options: [] };
const OTHER: Program = { path: '/old/bin/syncline', home: '/srv/state', options: ['--home', '/srv/state'] };

const place = (agent: ConfigPlace['agent'], part: ConfigPlace['part'], form: ConfigPlace['form']): ConfigPlace => ({
  ...{ agent, part, form },
  file: '/nowhere',
});
const JSON_PLACES = [
  place('claude', 'hooks', 'json'),
  place('claude', 'memory', 'json'),
  place('codex', 'hooks', 'json'),
  place('cursor', 'hooks', 'json'),
  place('cursor', 'memory', 'json'),
];
const TOML_PLACE = place('codex', 'memory', 'toml');

const EVENTS = ['PostToolUse', 'Stop', 'stop', 'afterFileEdit', 'WorktreeCreate'];
const handler = fc.record({ type: fc.constant('command'), command: fc.string(), timeout: fc.nat() });
const group = fc.record(
  { matcher: fc.string(), hooks: fc.array(handler, { maxLength: 2 }) },
  { requiredKeys: ['hooks'] },
);
const hooks = fc.dictionary(fc.constantFrom(...EVENTS), fc.array(fc.oneof(group, handler), { maxLength: 3 }));
const servers = fc.dictionary(
  fc.string(),
  fc.record({ command: fc.string(), env: fc.dictionary(fc.string(), fc.string()) }),
);

/** What others keep in such a file, also nothing, also empty where ours goes. */
const foreign = fc
  .tuple(
    fc.record({ hooks, mcpServers: servers, version: fc.constant(1) }, { requiredKeys: [] }),
    fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }),
    fc.boolean(),
  )
  .map(([ours, theirs, first]) => (first ? { ...ours, ...theirs } : { ...theirs, ...ours }))
  .filter(
    (value) => !Object.hasOwn(value.mcpServers ?? {}, 'syncline') && !JSON.stringify(value).includes('__proto__'),
  );

const BETWEEN = ['', '', ' ', '\n', '\n  ', '\t', '\r\n', '// a note\n', '/* , ] */', ' \n\n'];

/** The value as somebody might have typed it: comments, any blanks, trailing commas. */
function typed(value: unknown, choices: readonly number[]): string {
  let at = 0;
  const choose = (): number => choices[at++ % choices.length] ?? 0;
  const gap = (): string => BETWEEN[choose() % BETWEEN.length] ?? '';
  const list = (open: string, items: string[], close: string): string => {
    const trailing = items.length > 0 && choose() % 4 === 0 ? ',' : '';
    return open + items.map((item) => gap() + item + gap()).join(',') + trailing + gap() + close;
  };
  const print = (inner: unknown): string => {
    if (Array.isArray(inner)) return list('[', inner.map(print), ']');
    if (typeof inner !== 'object' || inner === null) return JSON.stringify(inner);
    const members = Object.entries(inner).map(
      ([key, member]) => `${JSON.stringify(key)}${gap()}:${gap()}${print(member)}`,
    );
    return list('{', members, '}');
  };
  return gap() + print(value) + gap();
}

const file = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(foreign, fc.array(fc.nat(99), { minLength: 1, maxLength: 40 })).map(([v, c]) => typed(v, c)),
  },
  { weight: 2, arbitrary: foreign.map((value) => JSON.stringify(value)) },
  { weight: 2, arbitrary: foreign.map((value) => `${JSON.stringify(value, null, 4)}\n`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      null,
      '',
      '\n',
      '{}',
      '{ }\n',
      '{\n}\n',
      '{\n  "hooks": {}\n}\n',
      '{"version": 1}',
      '\uFEFF{}',
    ),
  },
);

describe.each(JSON_PLACES)('$agent, $part', (where) => {
  it('connect and disconnect give back what was there, to the byte', () => {
    fc.assert(
      fc.property(file, (text) => {
        const connected = withOurs(where, text, PROGRAM).after;
        expect(withoutOurs(where, connected).after).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  it('what is added is what the agent reads, and all of it is found again; twice is once', () => {
    fc.assert(
      fc.property(file, (text) => {
        const connected = withOurs(where, text, PROGRAM).after ?? '';
        const found = contentsOf(where, connected, PROGRAM);
        expect(found).toMatchObject({ current: true, programs: [PROGRAM.path] });
        expect(withOurs(where, connected, PROGRAM).after).toBe(connected);
        const before = (text ?? '').trim().replace('\uFEFF', '') === '' ? {} : (read(text ?? '') as object);
        expect(withoutValues(read(connected))).toEqual(withoutValues(before));
      }),
      { numRuns: 200 },
    );
  });

  it('an entry of another installation is replaced, and still nothing else is touched', () => {
    fc.assert(
      fc.property(file, (text) => {
        const old = withOurs(where, text, OTHER).after;
        expect(contentsOf(where, old, PROGRAM)).toMatchObject({ current: false, programs: [OTHER.path] });
        const renewed = withOurs(where, old, PROGRAM).after;
        expect(renewed).toBe(withOurs(where, text, PROGRAM).after);
      }),
      { numRuns: 100 },
    );
  });

  it('after the agent wrote the file in its own form, ours goes and theirs stays', () => {
    fc.assert(
      fc.property(foreign, (value) => {
        const connected = withOurs(where, JSON.stringify(value, null, 2), PROGRAM).after ?? '';
        const rewritten = JSON.stringify({ ...(read(connected) as object), later: [1] }, null, 2);
        const left = read(withoutOurs(where, rewritten).after ?? '') as Record<string, unknown>;
        expect(contentsOf(where, JSON.stringify(left), PROGRAM).ours).toBe(0);
        expect(withoutValues(left)).toEqual(withoutValues({ ...(read(JSON.stringify(value)) as object), later: [1] }));
      }),
      { numRuns: 200 },
    );
  });
});

/** As the agent reads it. */
function read(text: string): unknown {
  return JSON.parse(JSON.stringify(parseJson(text.replace('\uFEFF', ''), [], { allowTrailingComma: true })));
}

/** Without what is ours, and without objects and lists that are left empty by that. */
function withoutValues(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutValues).filter((inner) => inner !== undefined);
  if (typeof value !== 'object' || value === null) return value;
  const { version: _version, ...entries } = value as Record<string, unknown>;
  const text = JSON.stringify(value);
  if (text.includes('syncline agents connect') && ('command' in value || 'type' in value)) return undefined;
  if ('env' in value && JSON.stringify(value.env) === '{"SYNCLINE_CONNECTED":"1"}') return undefined;
  const kept = Object.entries(entries)
    .map(([key, inner]) => [key, withoutValues(inner)] as const)
    .filter(([, inner]) => inner !== undefined && JSON.stringify(inner) !== '{}' && JSON.stringify(inner) !== '[]');
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

describe('codex, memory', () => {
  const tables = fc.dictionary(
    fc.stringMatching(/^[a-z_]{1,8}$/),
    fc.oneof(
      fc.string({ unit: 'grapheme-ascii' }),
      fc.integer(),
      fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.string({ unit: 'grapheme-ascii' })),
    ),
    { maxKeys: 4 },
  );
  const toml = fc
    .tuple(
      tables,
      fc.boolean(),
      fc.constantFrom('', '# the end', '\n\n# note\n', '\n[mcp_servers.docs]\ncommand = "d"', '\n[mcp_servers]\n'),
      fc.boolean(),
    )
    .map(([value, top, end, crlf]) => {
      const text = `${top ? '# mine\n\n' : ''}${stringify(value)}${end}`;
      return crlf ? text.replaceAll('\n', '\r\n') : text;
    })
    .filter((text) => !text.includes('mcp_servers ='));

  it('connect and disconnect give back what was there, to the byte', () => {
    fc.assert(
      fc.property(fc.oneof(toml, fc.constantFrom(null, '', '\n', '# only a note')), (text) => {
        const connected = withOurs(TOML_PLACE, text, PROGRAM).after ?? '';
        expect(parseToml(connected)).toMatchObject({
          mcp_servers: { syncline: { command: PROGRAM.path, args: ['memory', 'mcp'] } },
        });
        expect(contentsOf(TOML_PLACE, connected, PROGRAM)).toMatchObject({ ours: 1, current: true });
        expect(withOurs(TOML_PLACE, connected, PROGRAM).after).toBe(connected);
        expect(withoutOurs(TOML_PLACE, connected).after).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  it('tables that Codex writes below ours go with it; what comes after stays, on a line of its own', () => {
    const connected = withOurs(TOML_PLACE, 'model = "x"', PROGRAM).after ?? '';
    const later =
      connected +
      'startup_timeout_sec = 20\n\n[mcp_servers.syncline.tools.memory_store]\napproval_mode = "approve"\n\n# mine\n[mcp_servers.docs]\ncommand = "d"\n';
    expect(withoutOurs(TOML_PLACE, later).after).toBe('model = "x"\n\n# mine\n[mcp_servers.docs]\ncommand = "d"\n');
  });

  it.each([
    ['an inline table', 'mcp_servers = { docs = { command = "d" } }'],
    ['no TOML', '[x\n'],
  ])('refuses %s', (_, text) => {
    expect(() => withOurs(TOML_PLACE, text, PROGRAM)).toThrow(/has no room|not valid TOML/);
  });
});
