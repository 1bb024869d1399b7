/** What a person sees when something goes wrong: what failed and why, what to do next, and never a stack. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, SynclineError, type ExitCode } from '../platform/errors.ts';
import type { Palette } from './format/color.ts';

export interface FailureView {
  json: boolean;
  palette: Palette;
  /** Where the report of a defect may be written; null when not known yet. */
  log_dir: string | null;
  version: string;
  command: string;
  now_ms: number;
}

/** The text for stderr, and the exit code. A defect leaves a report file behind. */
export function describeFailure(error: unknown, view: FailureView): { text: string; exit: ExitCode } {
  const known = error instanceof SynclineError && error.exit !== EXIT.defect ? error : defect(error, view);
  const text = view.json ? jsonFailure(known) : textFailure(known, view.palette);
  return { text, exit: known.exit };
}

function textFailure(error: SynclineError, palette: Palette): string {
  const hint = error.hint === undefined ? '' : `\n  → ${error.hint}`;
  return `${palette.red('syncline:')} ${error.message}${hint}\n`;
}

function jsonFailure({ code, message, hint, field, exit }: SynclineError): string {
  return `${JSON.stringify({ schema: 'syncline.error/1', code, message, hint: hint ?? null, field: field ?? null, exit })}\n`;
}

function defect(error: unknown, view: FailureView): SynclineError {
  const file = writeReport(error, view);
  // Only our own messages are printed: others may quote what the program was reading.
  const what = error instanceof SynclineError ? `: ${error.message}` : '.';
  return new SynclineError('defect', `A defect of Syncline stopped \`${view.command}\`${what}`, {
    exit: EXIT.defect,
    cause: error,
    hint:
      file === null
        ? 'No report could be written. Please report the command that you ran.'
        : `Please report it with this file, which holds no data of yours: ${file}`,
  });
}

/** Names and places only, of the error and its causes: a foreign message may hold a prompt or a path. */
function writeReport(error: unknown, { log_dir, version, command, now_ms }: FailureView): string | null {
  if (log_dir === null) return null;
  const lines = [`syncline ${version}`, `node ${process.version} ${process.platform}-${process.arch}`, command, ''];
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    const { code } = cause as { code?: unknown };
    lines.push(`${cause.name}${typeof code === 'string' ? ` ${code}` : ''}`, ...frames(cause));
  }
  const file = join(log_dir, `defect-${new Date(now_ms).toISOString().replaceAll(':', '-')}.txt`);
  try {
    mkdirSync(log_dir, { recursive: true, mode: 0o700 });
    writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
    return file;
  } catch {
    // A full or read-only disk must not hide the defect itself; the caller says that there is no report.
    return null;
  }
}

function frames(error: Error): string[] {
  return (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
}
