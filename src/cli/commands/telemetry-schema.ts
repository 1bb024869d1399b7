import { z } from 'zod';
import { eventsBody, sessionsBody, TELEMETRY_KINDS, toolSpansBody } from '../../telemetry/wire/body.ts';
import { EXIT, type ExitCode } from '../../platform/errors.ts';
import type { CommandContext } from '../context.ts';

/** The bodies that Syncline sends; its server takes two more of the original client's. */
const BODIES = { events: eventsBody, tool_spans: toolSpansBody, sessions: sessionsBody };

/** `telemetry schema`: the JSON Schema of each request body. Always JSON, with or without `--json`. */
export async function schema(context: CommandContext): Promise<ExitCode> {
  const bodies = Object.entries(BODIES).map(([kind, body]) => ({
    kind,
    path: TELEMETRY_KINDS[kind as keyof typeof BODIES].path,
    body: z.toJSONSchema(body, { io: 'input', unrepresentable: 'any' }),
  }));
  context.printJson('syncline.telemetry-schema/1', { bodies });
  return EXIT.ok;
}
