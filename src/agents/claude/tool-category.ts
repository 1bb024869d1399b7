/** agentsview's categories of Claude Code's tools (sessions specification §2.5), so that both readers say the same. */
const CATEGORIES = new Map([
  ['Read', 'Read'],
  ['Edit', 'Edit'],
  ['MultiEdit', 'Edit'],
  ['Write', 'Write'],
  ['NotebookEdit', 'Write'],
  ['Bash', 'Bash'],
  ['PowerShell', 'Bash'],
  ['Grep', 'Grep'],
  ['Glob', 'Glob'],
  ['Task', 'Task'],
  ['Agent', 'Task'],
  ['Skill', 'Tool'],
]);

/** `Read`, `Edit`, `Write`, `Bash`, `Grep`, `Glob`, `Task`, `Tool` or `Other`. */
export function toolCategory(tool_name: string): string {
  return CATEGORIES.get(tool_name) ?? 'Other';
}
