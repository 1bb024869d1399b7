import { existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { inspectConfig } from '../../config/load.ts';
import { EXIT, messageOf, SynclineError, type ExitCode } from '../../platform/errors.ts';
import { listConnections } from '../../agents/connect/connections.ts';
import { callingProgram } from '../calling-program.ts';
import type { CommandContext } from '../context.ts';
import { CHECKS } from '../doctor/checks.ts';
import { fault, type Check, type DoctorFacts, type Finding } from '../doctor/check.ts';
import { formatItems } from '../format/count.ts';

type NamedFinding = Finding & { check: string };

/** `doctor`: runs every check, whatever the others find; exit 1 when one found a fault. */
export async function doctor(context: CommandContext): Promise<ExitCode> {
  const facts = gatherFacts(context);
  const findings: NamedFinding[] = [];
  for (const check of CHECKS) findings.push(...(await runCheck(check, facts)));
  const faults = findings.filter(({ state }) => state === 'fault').length;
  if (context.options.json) {
    const checks = findings.map(({ check, state, found, advice }) => ({ check, state, found, advice: advice ?? null }));
    context.printJson('syncline.doctor/1', { healthy: faults === 0, checks });
  } else {
    context.print(...findings.flatMap((finding, index) => findingLines(finding, findings[index - 1]?.check, context)));
    context.say('', faults === 0 ? 'No fault found.' : `${formatItems(faults, 'fault')} found.`);
  }
  return faults === 0 ? EXIT.ok : EXIT.no;
}

/** A check that cannot run is a fault of its own; it must not hide the others. */
async function runCheck(check: Check, facts: DoctorFacts): Promise<NamedFinding[]> {
  try {
    return (await check.run(facts)).map((finding) => ({ check: check.name, ...finding }));
  } catch (error) {
    const reason =
      error instanceof SynclineError ? error.message : ((error as NodeJS.ErrnoException).code ?? messageOf(error));
    return [
      {
        check: check.name,
        ...fault(`could not be checked: ${reason}`, 'Look at the permissions of the state directory.'),
      },
    ];
  }
}

function findingLines(finding: NamedFinding, last: string | undefined, { palette }: CommandContext): string[] {
  const marks = { ok: palette.green('ok   '), warn: palette.yellow('warn '), fault: palette.red('fault') };
  const name = (finding.check === last ? '' : finding.check).padEnd(7);
  const lines = [`${marks[finding.state]}  ${palette.dim(name)}  ${finding.found}`];
  if (finding.advice !== undefined) lines.push(`${' '.repeat(16)}→ ${finding.advice}`);
  return lines;
}

function gatherFacts(context: CommandContext): DoctorFacts {
  const { host } = context;
  const paths = context.paths();
  const { config_file: file, config_required: file_required } = paths;
  return {
    node_version: host.node_version,
    sqlite_version: process.versions.sqlite ?? '0',
    platform: host.platform,
    env: host.env,
    user_home: host.user_home,
    now_ms: host.clock.now_ms(),
    paths,
    inspection: inspectConfig({ file, file_required, env: host.env }),
    free_bytes: () => freeBytes(paths.home),
    connections: () => listConnections(host.env, callingProgram(context)),
    agentPlaces: () => host.runtime.agentPlaces(host.env),
    sessionPlaces: () => host.runtime.sessionPlaces(host.env, host.clock.now_ms()),
    daemonAnswers: () => daemonAnswers(context),
  };
}

/** Free for this user, in the nearest folder that exists. */
function freeBytes(directory: string): number {
  let place = directory;
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  const { bavail, bsize } = statfsSync(place);
  return bavail * bsize;
}

async function daemonAnswers(context: CommandContext): Promise<boolean> {
  try {
    await using operator = await context.connect(true);
    return (await operator.status()).running;
  } catch (error) {
    if (error instanceof SynclineError) return false;
    throw error;
  }
}
