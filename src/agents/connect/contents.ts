/** What of ours stands in an agent's file, and that text with it and without it. */
import { isDeepStrictEqual } from 'node:util';
import { getNodeValue, type Node } from 'jsonc-parser';
import { InvariantError } from '../../platform/errors.ts';
import { applyEdit, type Edit } from './edit.ts';
import { addMember, appendElement, nodeAt, removeAt, rootOf, type JsonData } from './json-text.ts';
import { HOOK_EVENTS, type ConfigPlace } from './places.ts';
import {
  hookLine,
  isHookByHand,
  isOurHook,
  MARK_VARIABLE,
  memoryServerArguments,
  programOfHook,
  type Program,
} from './program.ts';
import { addTable, removeTable, tableAt } from './toml-table.ts';

/** The name of the entry, for every agent. */
const SERVER = 'syncline';
const TOML_PATH = ['mcp_servers', SERVER];
const TOML_MARK = 'syncline agents connect';
const HOOK_TIMEOUT_S = 10;

export interface Found {
  /** Entries of ours. */
  ours: number;
  /** Whether they are exactly what this program would write. */
  current: boolean;
  /** The programs that they call. */
  programs: string[];
  /** Entries of the same purpose that somebody else made. */
  by_hand: number;
}

/** Steps from a text to the next; `after` is null when nothing is left of the file, which was made for us. */
export interface Rewrite {
  edits: Edit[];
  after: string | null;
}

/** @throws InvalidInputError `agents.config` */
export function contentsOf(place: ConfigPlace, text: string | null, program: Program): Found {
  if (place.part === 'hooks') return hooksIn(place, text ?? '', program);
  return place.form === 'toml' ? tomlServerIn(text ?? '', program) : jsonServerIn(text ?? '', program);
}

/**
 * The text with our entries as this program writes them, whatever of ours stood there before.
 * @throws InvalidInputError `agents.config`
 */
export function withOurs(place: ConfigPlace, text: string | null, program: Program): Rewrite {
  const bare = withoutOurs(place, text);
  const rewrite: Rewrite = { edits: [...bare.edits], after: bare.after };
  if (place.part === 'hooks') addHooks(rewrite, place, program);
  else if (place.form === 'json') step(rewrite, addMember(rewrite.after, ['mcpServers'], SERVER, jsonServer(program)));
  else step(rewrite, addTable(rewrite.after, TOML_PATH, TOML_MARK, tomlServer(program)));
  if (withoutOurs(place, rewrite.after).after !== bare.after)
    throw new InvariantError('What agents connect adds to a file cannot be taken out again to the byte');
  return rewrite;
}

/**
 * The text without our entries.
 * @throws InvalidInputError `agents.config`
 */
export function withoutOurs(place: ConfigPlace, text: string | null): Rewrite {
  if (text === null) return { edits: [], after: null };
  if (place.part === 'hooks') return withoutHooks(place, text);
  if (place.form === 'toml') {
    const removed = removeTable(text, TOML_PATH, TOML_MARK);
    return removed === undefined ? { edits: [], after: text } : rewritten(text, removed.edit);
  }
  const server = nodeAt(rootOf(text), ['mcpServers', SERVER]);
  if (server === undefined || !isOurServer(valueOf(server))) return { edits: [], after: text };
  return rewritten(text, removeAt(text, ['mcpServers', SERVER]));
}

function rewritten(text: string, edit: Edit | null): Rewrite {
  if (edit === null) return { edits: [{ offset: 0, remove: text.length, insert: '' }], after: null };
  return { edits: [edit], after: applyEdit(text, edit) };
}

function step(rewrite: Rewrite, edit: Edit): void {
  rewrite.edits.push(edit);
  rewrite.after = applyEdit(rewrite.after ?? '', edit);
}

// Hooks. Claude Code and Codex hold groups of handlers for each event, Cursor handlers.

interface HandlerPlace {
  event: string;
  /** From the event's list on. */
  path: readonly (string | number)[];
  /** The whole of what stands in the event's list. */
  value: unknown;
  command: unknown;
  /** Of the whole group, when all its handlers are ours. */
  removable: readonly (string | number)[];
}

function handlersIn({ agent }: ConfigPlace, text: string): HandlerPlace[] {
  const hooks = nodeAt(rootOf(text), ['hooks']);
  const lists = hooks === undefined ? {} : valueOf(hooks);
  return entriesOf(lists).flatMap(([event, list]) =>
    listOf(list).flatMap((value, index): HandlerPlace[] => {
      const path = ['hooks', event, index];
      if (agent === 'cursor') return [{ event, path, value, command: memberOf(value, 'command'), removable: path }];
      const handlers = listOf(memberOf(value, 'hooks'));
      const commands = handlers.map((handler) => memberOf(handler, 'command'));
      return commands.map((command, at) => {
        const handler = [...path, 'hooks', at];
        return { event, path: handler, value, command, removable: commands.every(isOurHook) ? path : handler };
      });
    }),
  );
}

function hooksIn(place: ConfigPlace, text: string, program: Program): Found {
  const handlers = handlersIn(place, text);
  const ours = handlers.filter(({ command }) => isOurHook(command));
  const wanted = HOOK_EVENTS[place.agent].map((event) => [event, hookEntry(place, program)]);
  return {
    ours: ours.length,
    current:
      isDeepStrictEqual(new Map(ours.map(({ event, value }) => [event, value])), new Map(wanted as never)) &&
      ours.length === wanted.length,
    programs: [...new Set(ours.flatMap(({ command }) => programOfHook(command as string) ?? []))],
    by_hand: handlers.filter(({ command }) => isHookByHand(command)).length,
  };
}

function hookEntry({ agent }: ConfigPlace, program: Program): JsonData {
  const command = hookLine(program, agent);
  if (agent === 'cursor') return { command, timeout: HOOK_TIMEOUT_S };
  return { hooks: [{ type: 'command', command, timeout: HOOK_TIMEOUT_S }] };
}

function addHooks(rewrite: Rewrite, place: ConfigPlace, program: Program): void {
  const events = HOOK_EVENTS[place.agent];
  const entry = hookEntry(place, program);
  if (nodeAt(rootOf(rewrite.after ?? ''), ['hooks']) !== undefined) {
    for (const event of events) step(rewrite, appendElement(rewrite.after, ['hooks', event], entry));
    return;
  }
  const lists = Object.fromEntries(events.map((event) => [event, [entry]]));
  step(rewrite, addMember(rewrite.after, [], 'hooks', lists));
  // Cursor wants it. After the hooks, so that it is known for ours.
  if (place.agent === 'cursor' && nodeAt(rootOf(rewrite.after ?? ''), ['version']) === undefined)
    step(rewrite, addMember(rewrite.after, [], 'version', 1));
}

function withoutHooks(place: ConfigPlace, text: string): Rewrite {
  const rewrite: Rewrite = { edits: [], after: text };
  const version_is_ours = place.agent === 'cursor' && versionFollowsHooks(text);
  for (;;) {
    const ours = handlersIn(place, rewrite.after ?? '').findLast(({ command }) => isOurHook(command));
    if (ours === undefined) break;
    const next = rewritten(rewrite.after ?? '', removeAt(rewrite.after ?? '', ours.removable));
    rewrite.edits.push(...next.edits);
    rewrite.after = next.after;
    if (next.after === null) return rewrite;
  }
  const emptied = rewrite.edits.length > 0 && nodeAt(rootOf(rewrite.after ?? ''), ['hooks']) === undefined;
  if (!version_is_ours || !emptied) return rewrite;
  const last = rewritten(rewrite.after ?? '', removeAt(rewrite.after ?? '', ['version']));
  return { edits: [...rewrite.edits, ...last.edits], after: last.after };
}

function versionFollowsHooks(text: string): boolean {
  const names = rootOf(text)?.children?.map((property) => property.children?.[0]?.value as unknown) ?? [];
  return names.indexOf('hooks') >= 0 && names.indexOf('version') === names.indexOf('hooks') + 1;
}

// The memory's server.

function jsonServer(program: Program): JsonData {
  return {
    ...{ command: program.path, args: memoryServerArguments(program) },
    env: { [MARK_VARIABLE]: '1' },
  };
}

function tomlServer(program: Program): { command: string; args: string[] } {
  return { command: program.path, args: memoryServerArguments(program) };
}

function isOurServer(value: unknown): boolean {
  return memberOf(memberOf(value, 'env'), MARK_VARIABLE) === '1';
}

function jsonServerIn(text: string, program: Program): Found {
  const node = nodeAt(rootOf(text), ['mcpServers', SERVER]);
  const value: unknown = node === undefined ? undefined : valueOf(node);
  const ours = isOurServer(value);
  return serverFound(value, ours, ours && isDeepStrictEqual(withoutType(value), jsonServer(program)));
}

/** Claude Code adds `"type": "stdio"` when it writes the file. */
function withoutType(value: unknown): unknown {
  const { type, ...others } = value as Record<string, unknown>;
  return type === 'stdio' ? others : value;
}

function tomlServerIn(text: string, program: Program): Found {
  const value = tableAt(text, TOML_PATH);
  const ours = removeTable(text, TOML_PATH, TOML_MARK) !== undefined;
  const { command, args } = tomlServer(program);
  const current = memberOf(value, 'command') === command && isDeepStrictEqual(memberOf(value, 'args'), args);
  return serverFound(value, ours, ours && current);
}

function serverFound(value: unknown, ours: boolean, current: boolean): Found {
  const command = memberOf(value, 'command');
  return {
    ours: ours ? 1 : 0,
    current,
    programs: ours && typeof command === 'string' ? [command] : [],
    by_hand: value === undefined || ours ? 0 : 1,
  };
}

/** As JSON.parse gives it; the library's own objects have no prototype, which makes them unequal to any other. */
function valueOf(node: Node): unknown {
  return JSON.parse(JSON.stringify(getNodeValue(node)));
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}
