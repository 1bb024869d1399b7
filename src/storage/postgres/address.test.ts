import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { postgresAddress } from './address.ts';

describe('the address of a PostgreSQL', () => {
  it('means TLS with a checked certificate beyond this machine, and none on it', () => {
    const checked = { rejectUnauthorized: true };
    for (const [url, tls] of [
      ['postgres://ada:pw@db.example.com/team', checked],
      ['postgresql://db.example.com:6432/team?sslmode=require', checked],
      ['postgres://db.example.com/team?sslmode=disable', false],
      ['postgres://db.example.com/team?sslmode=no-verify', { rejectUnauthorized: false }],
      ['postgres://localhost/team', false],
      ['postgres://127.0.0.1:5433/team', false],
      ['postgres://[::1]/team', false],
      ['postgres:///team?host=/run/postgresql', false],
      ['postgres:///team?host=db.example.com', checked],
      ['postgres://localhost/team?sslmode=verify-full', checked],
    ] as const)
      expect(postgresAddress(url).tls, url).toEqual(tls);
  });

  it('takes the authority from a file, and leaves nothing of TLS for the driver to decide', () => {
    const folder = mkdtempSync(join(tmpdir(), 'address-'));
    const file = join(folder, 'ca.pem');
    writeFileSync(file, 'an authority');
    const url = `postgres://db.example.com/team?sslmode=verify-ca&sslrootcert=${encodeURIComponent(file)}&options=-c%20x`;
    const { tls, connection_string } = postgresAddress(url);
    expect(tls).toMatchObject({ ca: Buffer.from('an authority'), rejectUnauthorized: true });
    expect(tls && tls.checkServerIdentity?.('another', {} as never)).toBeUndefined();
    expect(connection_string).not.toMatch(/ssl/);
    expect(connection_string).toContain('options');
    rmSync(folder, { recursive: true });
  });

  it('is shown without user and password', () => {
    expect(postgresAddress('postgres://ada:hunter2@db.example.com:6432/team').shown).toBe('db.example.com:6432/team');
    expect(postgresAddress('postgres:///team').shown).toBe('localhost:5432/team');
  });

  it.each(['', 'x', 'http://ada:hunter2@host/db', 'postgres://ada:hunter2@host', 'postgres://ada:hunter2@host:x/db'])(
    'is refused without being repeated: %s',
    (url) => {
      let message = '';
      try {
        postgresAddress(url);
      } catch (error) {
        message = `${(error as Error).message} ${String((error as { hint?: string }).hint)}`;
        expect(error).toMatchObject({ code: 'postgres.url' });
      }
      expect(message).toContain('postgres://user:password@host');
      expect(message).not.toContain('hunter2');
    },
  );

  it('refuses what it does not know of TLS', () => {
    const refused = expect.objectContaining({ code: 'postgres.tls' }) as Error;
    expect(() => postgresAddress('postgres://host/db?sslmode=prefer')).toThrow(refused);
    expect(() => postgresAddress('postgres://host/db?sslrootcert=/nowhere.pem')).toThrow(refused);
  });
});
