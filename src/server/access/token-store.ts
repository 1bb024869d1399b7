import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../platform/clock.ts';
import { SynclineError, UsageError } from '../../platform/errors.ts';
import type { Random } from '../../platform/random.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { migrate } from '../../storage/sqlite/migrations.ts';
import { SCOPES, type Caller, type Scope } from './scope.ts';

/** A token without its secret. */
export interface TokenAccount {
  token_id: string;
  team_id: string;
  member: string;
  device: string;
  scopes: Scope[];
  created_ms: number;
  last_used_ms: number | null;
  revoked_ms: number | null;
}

export interface NewToken {
  team_id: string;
  member: string;
  device: string;
  scopes: readonly string[];
}

/** The original client's single token for a whole team (R6): may only send, as nobody in particular. */
export interface PlainTeamToken {
  team_id: string;
  token: string;
}

export interface TokenStoreOptions {
  clock: Clock;
  random: Random;
  plain_team_tokens?: readonly PlainTeamToken[];
  /** The command line of the same user, through a token that is made anew at every start and never stored here. */
  operator?: { token: string; team_id: string };
}

interface TokenColumns extends Omit<TokenAccount, 'scopes'> {
  scopes: string;
  secret_sha256: Uint8Array;
}

const ID_BYTES = 6;
const SECRET_BYTES = 32;
const FORM = /^syn_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/;

/** Compared against when no such token exists, so that the answer takes as long. */
const NO_SECRET = Buffer.alloc(32);

/**
 * Tokens of members and devices: `syn_<id>_<secret>`, kept as the SHA-256 of the secret. A plain hash is enough, as the
 * secret has 256 bits and cannot be guessed; a slow hash would only make every request slow.
 */
export class TokenStore {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #plain: { caller: Caller; sha256: Buffer }[];
  /** Last uses not yet written: a write per request would cost more than the request. */
  readonly #used = new Map<string, number>();

  constructor(db: Database, options: TokenStoreOptions) {
    migrate(db, new URL('./migrations/', import.meta.url), options.clock.now_ms(), 'tokens');
    this.#db = db;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#plain = (options.plain_team_tokens ?? []).map(({ team_id, token }) => ({
      caller: {
        token_id: `team:${team_id}`,
        team_id,
        member: 'unknown',
        device: 'unknown',
        scopes: new Set<Scope>(['ingest']),
      },
      sha256: sha256(token),
    }));
    if (options.operator) this.#plain.push(operatorToken(options.operator));
  }

  /**
   * Makes a token. Its text is returned here and never again.
   * @throws UsageError `token.scope`, `token.name`
   */
  create(wanted: NewToken): TokenAccount & { token: string } {
    const scopes = checkScopes(wanted.scopes);
    for (const field of ['team_id', 'member', 'device'] as const)
      if (wanted[field].trim() === '' || wanted[field].length > 200)
        throw new UsageError('token.name', `A token needs a ${field} of 1 to 200 characters`, { field });
    const token_id = Buffer.from(this.#random.bytes(ID_BYTES)).toString('hex');
    const secret = Buffer.from(this.#random.bytes(SECRET_BYTES)).toString('base64url');
    const created_ms = this.#clock.now_ms();
    const { team_id, member, device } = wanted;
    this.#db.run(
      'INSERT INTO token (token_id, team_id, member, device, scopes, secret_sha256, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?)',
      token_id,
      team_id,
      member,
      device,
      JSON.stringify(scopes),
      sha256(secret),
      created_ms,
    );
    const account = { token_id, team_id, member, device, scopes, created_ms, last_used_ms: null, revoked_ms: null };
    return { ...account, token: `syn_${token_id}_${secret}` };
  }

  /** All tokens of a team (null: of all teams), oldest first, revoked ones included. */
  list(team_id: string | null): TokenAccount[] {
    this.writeLastUses();
    return this.#db
      .all<TokenColumns>('SELECT * FROM token WHERE ?1 IS NULL OR team_id = ?1 ORDER BY created_ms, token_id', team_id)
      .map(accountOf);
  }

  /**
   * Takes effect with the next request. Revoking twice keeps the first time.
   * @throws SynclineError `token.unknown`
   */
  revoke(token_id: string): TokenAccount {
    this.#db.run(
      'UPDATE token SET revoked_ms = coalesce(revoked_ms, ?) WHERE token_id = ?',
      this.#clock.now_ms(),
      token_id,
    );
    const row = this.#db.get<TokenColumns>('SELECT * FROM token WHERE token_id = ?', token_id);
    if (!row)
      throw new SynclineError('token.unknown', 'No token has this id', {
        hint: 'List them with `syncline token list`.',
      });
    return accountOf(row);
  }

  /** Whether any token could be accepted: a non-loopback server does not start without (R7). */
  hasAny(): boolean {
    return (
      this.#plain.some(({ caller }) => caller.scopes.has('ingest')) ||
      this.#db.value<number>('SELECT EXISTS (SELECT 1 FROM token WHERE revoked_ms IS NULL)') === 1
    );
  }

  /** Who bears this token; null when it is unknown, wrong or revoked. */
  authenticate(token: string): Caller | null {
    const [, token_id, secret] = FORM.exec(token) ?? [];
    if (token_id === undefined || secret === undefined) return this.#authenticatePlain(token);
    const row = this.#db.get<TokenColumns>('SELECT * FROM token WHERE token_id = ?', token_id);
    const matches = timingSafeEqual(sha256(secret), row?.secret_sha256 ?? NO_SECRET);
    if (!row || !matches || row.revoked_ms !== null) return null;
    this.#used.set(token_id, this.#clock.now_ms());
    const { team_id, member, device, scopes } = accountOf(row);
    return { token_id, team_id, member, device, scopes: new Set(scopes) };
  }

  #authenticatePlain(token: string): Caller | null {
    const given = sha256(token);
    let found: Caller | null = null;
    // All are compared, so that the time says nothing about which matched.
    for (const { caller, sha256: expected } of this.#plain) if (timingSafeEqual(given, expected)) found = caller;
    return found;
  }

  /** Writes the last uses gathered so far, in one transaction. */
  writeLastUses(): void {
    if (this.#used.size === 0) return;
    this.#db.transaction(() => {
      for (const [token_id, at_ms] of this.#used)
        this.#db.run(
          'UPDATE token SET last_used_ms = max(coalesce(last_used_ms, 0), ?) WHERE token_id = ?',
          at_ms,
          token_id,
        );
    });
    this.#used.clear();
  }
}

function operatorToken({ token, team_id }: { token: string; team_id: string }): { caller: Caller; sha256: Buffer } {
  const scopes = new Set<Scope>(['read', 'operate', 'admin']);
  return { caller: { token_id: 'operator', team_id, member: 'local', device: 'local', scopes }, sha256: sha256(token) };
}

function accountOf({ secret_sha256: _secret, ...row }: TokenColumns): TokenAccount {
  return { ...row, scopes: JSON.parse(row.scopes) as Scope[] };
}

function checkScopes(wanted: readonly string[]): Scope[] {
  const scopes = SCOPES.filter((scope) => wanted.includes(scope));
  if (scopes.length === 0 || wanted.some((scope) => !SCOPES.includes(scope as Scope)))
    throw new UsageError('token.scope', 'A token needs one or more known scopes', {
      field: 'scopes',
      hint: `Scopes are ${SCOPES.join(', ')}.`,
    });
  return scopes;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
