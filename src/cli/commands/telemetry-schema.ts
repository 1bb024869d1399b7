import { z } from 'zod';
import { eventsBody, sessionsBody, TELEMETRY_KINDS, toolSpansBody } from '../../telemetry/wire/body.ts';
import { EXIT, type ExitCode } from '../../platform/errors.ts';
import type { CommandContext } from '../context.ts';

const BODIES = { events: eventsBody, tool_spans: toolSpansBody, sessions: sessionsBody };

/** `telemetry schema`: the JSON Schema of each request body. Always JSON, with or without `--json`. */
export async function schema(context: CommandContext): Promise<ExitCode> {
  const bodies = Object.entries(TELEMETRY_KINDS).map(([kind, { path }]) => ({
    kind,
    path,
    body: z.toJSONSchema(BODIES[kind as keyof typeof BODIES], { io: 'input', unrepresentable: 'any' }),
  }));
  context.printJson('syncline.telemetry-schema/1', { bodies });
  return EXIT.ok;
}
