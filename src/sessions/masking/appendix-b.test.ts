/** The masking inputs of the sessions specification, Appendix B. Secrets are built, so that no scanner takes this for a leak. */
import { describe, expect, it } from 'vitest';
import { loadHashing } from '../../redaction/hashing.ts';
import { totalOf, type Tally } from '../../redaction/report.ts';
import { createMasker } from './masker.ts';

const hashing = await loadHashing();
const masker = createMasker({
  hashing,
  salt: new Uint8Array(32).fill(3),
  workspace: 'github.com/acme/shop',
  root: null,
});
const mask = (text: string): { out: string; fired: number } => {
  const tally: Tally = new Map();
  return { out: masker.json(text, tally), fired: totalOf(tally) };
};

const mixed = (length: number): string => 'a7Kq2ZbX9mR4tYw8LcD3vNf6HsJ1gPu5'.repeat(8).slice(0, length);
const DASHES = '-'.repeat(5);
const body = `${mixed(64)}\n${mixed(64)}\n${mixed(20)}==`;

/** `[name, text, parts of it of which nothing may remain]`. */
const secrets: readonly (readonly [name: string, text: string, ...parts: string[]])[] = [
  [
    'an OpenSSH key block',
    `k:\n${DASHES}BEGIN OPENSSH PRIVATE KEY${DASHES}\n${body}\n${DASHES}END OPENSSH PRIVATE KEY${DASHES}\nnext`,
    ...body.split('\n'),
    'OPENSSH PRIVATE KEY',
  ],
  [
    'an RSA block with body and END line',
    `${DASHES}BEGIN RSA PRIVATE KEY${DASHES}\n${body}\n${DASHES}END RSA PRIVATE KEY${DASHES}`,
    ...body.split('\n'),
    'END RSA',
  ],
  ['github_pat_ + 82', `use github_pat_${mixed(82)}`, mixed(82)],
  ['ghp_ + 40: no tail is left', `ghp_${mixed(40)}`, mixed(40).slice(-4)],
  ['sk-proj-…', `sk-proj-${mixed(60)}`, mixed(60)],
  ['sk-ant-api03- with an underscore', `sk-ant-api03-${mixed(3)}_${mixed(40)}-${mixed(40)}AA`, mixed(40)],
  ['xoxb- with 13 digits', `xoxb-1234567890123-1234567890123-${mixed(24)}`, '1234567890123', mixed(24)],
  ['a Slack webhook', `https://hooks.slack.com/services/T${'0'.repeat(8)}/B${'1'.repeat(8)}/${mixed(24)}`, mixed(24)],
  ['postgresql://', `postgresql://app:${mixed(12)}@db.internal/shop`, mixed(12)],
  ['mongodb+srv://', `mongodb+srv://app:${mixed(12)}@cluster0.example.net/shop`, mixed(12)],
  ['a token in a git remote', `https://ada:${mixed(20)}@git.example.com/acme/shop.git`, mixed(20)],
  ['JSON with a password', JSON.stringify({ password: mixed(14), keep: 'this' }), mixed(14)],
  ['JSON with an escaped export', JSON.stringify({ command: `export API_KEY="${mixed(32)}" && make` }), mixed(32)],
  ['a line of .env', `API_KEY=${mixed(24)}\nPORT=8080`, mixed(24)],
  ['a DSN at the end of a JSON string', JSON.stringify({ dsn: `postgres://u:${mixed(10)}@h/db` }), mixed(10)],
  ['a JSON string that is a DSN', JSON.stringify(`postgres://u:${mixed(10)}@h/db`), mixed(10)],
  ['a list with a DSN', JSON.stringify(['psql', `postgres://u:${mixed(10)}@h/db`]), mixed(10)],
];

describe('inputs of Appendix B', () => {
  it.each(secrets)('%s: nothing remains, JSON stays valid', (_name, text, ...parts) => {
    // As it is, as a JSON input holds it, and as a result that is JSON with JSON in it.
    const asInput = JSON.stringify({ command: text });
    const asResult = JSON.stringify([{ stdout: JSON.stringify({ text }) }], null, 2);
    for (const shape of [text, asInput, asResult]) {
      const { out, fired } = mask(shape);
      for (const part of parts) expect(out).not.toContain(part);
      expect(fired).toBeGreaterThan(0);
      expect(mask(out)).toEqual({ out, fired: 0 });
      if (isJson(shape)) expect(isJson(out)).toBe(true);
    }
  });
  it('the placeholder AKIAIOSFODNN7EXAMPLE goes as it does from telemetry: nobody can tell it from a key', () => {
    expect(mask('id AKIAIOSFODNN7EXAMPLE in the docs').out).toMatch(
      /^id \[REDACTED:aws-access-key:[0-9a-f]{8}\] in the docs$/,
    );
  });
  it('a DSN without a password and an e-mail address after it: only the address goes', () => {
    const text = 'connect to postgres://localhost/db, then\nwrite a mail to ada@example.com when done';
    expect(mask(text).out).toBe('connect to postgres://localhost/db, then\nwrite a mail to <REDACTED:email> when done');
    expect(mask(JSON.stringify({ text })).out).toBe(
      JSON.stringify({ text: 'connect to postgres://localhost/db, then\nwrite a mail to <REDACTED:email> when done' }),
    );
  });
  it('what stands beside a secret stays', () => {
    expect(JSON.parse(mask(JSON.stringify({ password: mixed(14), keep: 'this' })).out)).toEqual({
      password: '<REDACTED:secret>',
      keep: 'this',
    });
    expect(mask(`API_KEY=${mixed(24)}\nPORT=8080`).out).toMatch(
      /^API_KEY=\[REDACTED:[a-z-]+:[0-9a-f]{8}\]\nPORT=8080$/,
    );
    expect(mask(`postgresql://app:${mixed(12)}@db.internal/shop`).out).toMatch(
      /^postgresql:\/\/\[REDACTED:.*\]@db.internal\/shop$/,
    );
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
