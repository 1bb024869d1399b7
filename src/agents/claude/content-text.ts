import { isObject, objectField, stringField, type JsonObject } from './field.ts';

/**
 * The content of a message or of a tool's result as text: its texts one below the other, pictures and documents as a
 * mark of their kind and size (`[image image/png 123 KiB]`), never their data.
 */
export function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (isObject(content)) return partText(content) ?? '';
  if (!Array.isArray(content)) return '';
  return content.flatMap((part) => (isObject(part) ? (partText(part) ?? []) : [])).join('\n');
}

/** The marks alone, one for each picture or document of `content`. */
export function pictureMarks(content: unknown): string[] {
  if (!Array.isArray(content)) return [];
  return content.filter(isObject).filter(isPicture).map(pictureMark);
}

function isPicture(part: JsonObject): boolean {
  return part['type'] === 'image' || part['type'] === 'document';
}

/** Null for a part that shows nothing. */
function partText(part: JsonObject): string | null {
  if (isPicture(part)) return pictureMark(part);
  switch (part['type']) {
    case 'text':
      return stringField(part, 'text');
    case 'tool_reference':
      return `[tool ${stringField(part, 'tool_name') ?? ''}]`;
    case 'web_search_result':
      return [stringField(part, 'title'), stringField(part, 'url')].filter((text) => text !== null).join('\n');
    default:
      return stringField(part, 'error_code') ?? nestedText(part);
  }
}

/** What the API's own tools answer stands one level deeper (`web_fetch_result`, `code_execution_result`). */
function nestedText(part: JsonObject): string | null {
  const texts = ['url', 'title', 'stdout', 'stderr'].flatMap((key) => stringField(part, key) ?? []);
  return texts.length === 0 ? null : texts.join('\n');
}

function pictureMark(part: JsonObject): string {
  const kind = stringField(part, 'type') ?? 'image';
  const source = objectField(part, 'source') ?? {};
  const data = stringField(source, 'data');
  if (data === null) return `[${kind}]`;
  const media_type = stringField(source, 'media_type')?.slice(0, 100) ?? 'data';
  if (source['type'] === 'text') return `[${kind} ${media_type} ${kibibytes(data.length)}]`;
  return `[${kind} ${media_type} ${kibibytes((data.length * 3) / 4)}]`;
}

function kibibytes(bytes: number): string {
  return `${Math.max(1, Math.round(bytes / 1024))} KiB`;
}
