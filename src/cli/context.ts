/** All that a command may touch. A test makes one of written streams, a clock that stands still and a fake Operator. */
import type { FlagValue, LoadedConfig } from '../config/load.ts';
import { resolvePaths, type SynclinePaths } from '../config/paths.ts';
import type { MemoryAccess } from '../memory/memory-access.ts';
import type { ExitCode } from '../platform/errors.ts';
import type { Operator } from '../runtime/operator.ts';
import { paletteFor, type ColorMode, type Palette } from './format/color.ts';
import type { Host } from './host.ts';

export interface GlobalOptions {
  home: string | undefined;
  config: string | undefined;
  profile: string | undefined;
  json: boolean;
  quiet: boolean;
  yes: boolean;
  color: ColorMode;
}

export class CommandContext {
  readonly host: Host;
  readonly options: GlobalOptions;
  /** Colours of stdout and of stderr; the one may be a terminal and the other not. */
  readonly palette: Palette;
  readonly stderr_palette: Palette;

  constructor(host: Host, options: GlobalOptions) {
    this.host = host;
    this.options = options;
    this.palette = paletteFor(options.color, host.is_tty.stdout, host.env);
    this.stderr_palette = paletteFor(options.color, host.is_tty.stderr, host.env);
  }

  /** @throws UsageError for an unusable `--profile`. */
  paths(): SynclinePaths {
    const { env, user_home, cwd } = this.host;
    const { home, config, profile } = this.options;
    return resolvePaths({ env, user_home, cwd, home, config, profile });
  }

  /** Reads the configuration. @throws UsageError `config.invalid` with every problem. */
  async config(flags: readonly FlagValue[] = []): Promise<LoadedConfig> {
    const { loadConfig } = await import('../config/load.ts');
    const paths = this.paths();
    const { config_file: file, config_required: file_required } = paths;
    return loadConfig({ file, file_required, env: this.host.env, flags });
  }

  async connect(require_daemon = false): Promise<Operator & AsyncDisposable> {
    const paths = this.paths();
    const loaded = await this.config();
    return this.host.runtime.connectOperator({ paths, loaded, env: this.host.env, require_daemon });
  }

  /** Runs `use` with a connection that is closed afterwards, whatever happens. */
  async withOperator<T>(use: (operator: Operator) => Promise<T>): Promise<T> {
    await using operator = await this.connect();
    return await use(operator);
  }

  /** Runs `use` with the memories of the running Syncline, or of the data directory. */
  async withMemories<T>(use: (access: MemoryAccess) => Promise<T>): Promise<T> {
    const { env, runtime } = this.host;
    await using access = await runtime.connectMemories({ paths: this.paths(), loaded: await this.config(), env });
    return await use(access);
  }

  /** Data, one line each, to stdout. */
  print(...lines: readonly string[]): void {
    if (lines.length > 0) this.host.stdout.write(`${lines.join('\n')}\n`);
  }

  /** One JSON document to stdout. `schema` names its form and version. */
  printJson(schema: string, data: object): void {
    this.host.stdout.write(`${JSON.stringify({ schema, ...data }, null, 2)}\n`);
  }

  /** Words to stderr, unless `--quiet`. */
  say(...lines: readonly string[]): void {
    if (!this.options.quiet && lines.length > 0) this.host.stderr.write(`${lines.join('\n')}\n`);
  }

  /** Columns of the terminal; wide where stdout is a file, so that nothing is cut. */
  width(): number {
    return this.host.is_tty.stdout ? Math.max(40, this.host.columns()) : 1000;
  }

  /** 130 or 143 once a signal has come, else `otherwise`. */
  exitUnlessInterrupted(otherwise: ExitCode): ExitCode {
    const { signal } = this.host;
    return signal.aborted ? (signal.reason as ExitCode) : otherwise;
  }

  now_ms(): number {
    return this.host.clock.now_ms();
  }
}
