/** Completion scripts. They hold all words themselves: a program start for each key press would be felt. */
import { GLOBAL_OPTIONS, type CommandDeclaration } from '../declaration.ts';
import { completionNodes, type CompletionNode } from './words.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export function isShell(name: string): name is Shell {
  return SHELLS.some((shell) => shell === name);
}

/** The script to source. */
export function completionScript(shell: Shell, roots: readonly CommandDeclaration[]): string {
  const nodes = completionNodes(roots, GLOBAL_OPTIONS);
  if (shell === 'fish') return fishScript(nodes);
  const bash = bashScript(nodes);
  return shell === 'bash' ? bash : `#compdef syncline\nautoload -U +X bashcompinit && bashcompinit\n${bash}`;
}

function bashScript(nodes: readonly CompletionNode[]): string {
  const choices = nodes.flatMap(({ path, options }) =>
    options.flatMap((option) =>
      option.choices === undefined ? [] : [`    "${path}|${option.name}") words="${option.choices.join(' ')}" ;;`],
    ),
  );
  const words = nodes.map(({ path, commands, options }) => {
    const all = [...commands.map(({ name }) => name), ...options.map(({ name }) => name), '--help'];
    return `    "${path}") words="${all.join(' ')}" ;;`;
  });
  const paths = nodes.filter(({ path }) => path !== '').map(({ path }) => `"${path}"`);
  return `# bash completion of syncline
_syncline() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" command="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${command:+$command }$word" in
    ${paths.join('|')}) command="\${command:+$command }$word" ;;
    esac
  done
  case "$command|$before" in
${[...new Set(choices)].join('\n')}
    *) case "$command" in
${words.map((line) => `  ${line}`).join('\n')}
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _syncline syncline
`;
}

function fishScript(nodes: readonly CompletionNode[]): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", "\\'")}'`;
  const lines = nodes.flatMap(({ path, commands, options }) => {
    const condition = quoted(
      path === ''
        ? '__fish_use_subcommand'
        : path
            .split(' ')
            .map((word) => `__fish_seen_subcommand_from ${word}`)
            .join('; and '),
    );
    const own =
      path === '' ? options : options.filter(({ name }) => !GLOBAL_OPTIONS.some(({ flags }) => flags.startsWith(name)));
    return [
      ...commands.map(
        ({ name, summary }) => `complete -c syncline -f -n ${condition} -a ${name} -d ${quoted(summary)}`,
      ),
      ...own.map(({ name, description, choices }) => {
        const values = choices === undefined ? '' : ` -x -a ${quoted(choices.join(' '))}`;
        const where = path === '' ? '' : ` -n ${condition}`;
        return `complete -c syncline${where} -l ${name.slice(2)}${values} -d ${quoted(description)}`;
      }),
    ];
  });
  return `# fish completion of syncline\n${lines.join('\n')}\n`;
}
