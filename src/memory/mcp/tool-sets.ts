/** Which tools a client is given. Every tool's description costs its model tokens in every request, so the default is small. */
import { UsageError } from '../../platform/errors.ts';
import { CORE_TOOLS } from './core-tools.ts';
import { GRAPH_TOOLS } from './graph-tools.ts';
import { MORE_TOOLS } from './more-tools.ts';
import { FAMILIES, type Family, type Tool } from './tool.ts';

export const ALL_TOOLS: readonly Tool[] = [...CORE_TOOLS, ...MORE_TOOLS, ...GRAPH_TOOLS];

/** The original's profiles by name; the families of a list besides. */
export const TOOL_SETS: Readonly<Record<string, readonly Family[]>> = {
  core: ['core'],
  graph: ['core', 'links'],
  admin: ['core', 'lifecycle', 'archive', 'governance'],
  power: ['core', 'lifecycle', 'links', 'operations'],
  full: FAMILIES,
};

/**
 * The tools of a set (`core`, `full`) or of families (`core,archive`); `core` is always among them.
 * @throws UsageError `mcp.tools`
 */
export function toolsOf(written: string | undefined): Tool[] {
  const wanted = new Set<Family>(['core']);
  for (const name of (written ?? 'core').split(',').map((part) => part.trim())) {
    const family = FAMILIES.find((known) => known === name);
    const families = TOOL_SETS[name] ?? (family === undefined ? undefined : [family]);
    if (families === undefined)
      throw new UsageError('mcp.tools', 'There is no such set or family of tools', {
        field: 'tools',
        hint: `Sets: ${Object.keys(TOOL_SETS).join(', ')}; families: ${FAMILIES.join(', ')}.`,
      });
    for (const each of families) wanted.add(each);
  }
  return ALL_TOOLS.filter(({ family }) => wanted.has(family));
}
