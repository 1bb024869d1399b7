/** `sessions export ID` */
import { createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import { once } from 'node:events';
import { EXIT, SynclineError, UsageError, type ExitCode } from '../../../platform/errors.ts';
import { htmlHead, htmlMessage, HTML_END } from '../../../sessions/export/html.ts';
import { markdownHead, markdownMessage, type ExportOptions } from '../../../sessions/export/markdown.ts';
import type { ConversationDetail } from '../../../runtime/session-verbs.ts';
import type { ConversationMessage } from '../../../agents/conversation.ts';
import type { CommandContext } from '../../context.ts';
import type { Invocation } from '../../invocation.ts';
import { eachMessage } from './messages.ts';

interface Form {
  head(detail: ConversationDetail): string;
  message(message: ConversationMessage, options: ExportOptions, first: boolean): string;
  end: string;
}

const FORMS: Readonly<Record<string, Form>> = {
  markdown: {
    head: ({ session }) => `${markdownHead(session)}\n`,
    message: (message, options) => `${markdownMessage(message, options)}
`,
    end: '',
  },
  html: { head: ({ session }) => htmlHead(session), message: htmlMessage, end: HTML_END },
  json: {
    head: (detail) => `{"schema":"syncline.conversation/1",${JSON.stringify(detail).slice(1, -1)},"messages":[`,
    message: (message, _options, first) => `${first ? '' : ','}\n${JSON.stringify(message)}`,
    end: '\n]}\n',
  },
};

export async function exportSession(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const id = invocation.argument(0) ?? '';
  const format = invocation.text('format') ?? (context.options.json ? 'json' : 'markdown');
  const form = FORMS[format];
  if (!form)
    throw new UsageError('usage.format', `There is no format ${JSON.stringify(format)}`, { field: '--format' });
  const options = { tools: !invocation.flag('withoutTools'), thinking: invocation.flag('thinking') };
  await using operator = await context.connect();
  const detail = await operator.conversation(id);
  const target = invocation.text('output');
  const write = target === null ? toStdout(context) : await toFile(resolve(context.host.cwd, target));
  await write.text(form.head(detail));
  let first = true;
  for await (const message of eachMessage(operator, detail.session.key, 0, Infinity)) {
    await write.text(form.message(message, options, first));
    first = false;
  }
  await write.text(form.end);
  await write.end();
  if (target !== null) context.say(`Written to ${target}. Secrets were removed when it was stored.`);
  return EXIT.ok;
}

interface Writing {
  text(text: string): Promise<void>;
  end(): Promise<void>;
}

function toStdout(context: CommandContext): Writing {
  return { text: async (text) => void context.host.stdout.write(text), end: async () => undefined };
}

/** Never over a file that is there. */
async function toFile(path: string): Promise<Writing> {
  const stream = createWriteStream(path, { flags: 'wx', mode: 0o600 });
  try {
    await once(stream, 'open');
  } catch (cause) {
    const taken = (cause as NodeJS.ErrnoException).code === 'EEXIST';
    throw new SynclineError('export.file', taken ? 'The file is there already' : 'The file cannot be written', {
      exit: EXIT.usage,
      field: '--output',
      hint: 'Name another with --output.',
      cause,
    });
  }
  return {
    text: async (text) => {
      if (!stream.write(text)) await once(stream, 'drain');
    },
    end: async () => {
      stream.end();
      await once(stream, 'close');
    },
  };
}
