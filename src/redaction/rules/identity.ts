import { NOT_A_MARKER, type Rule } from '../rule.ts';

/** Image names of the form icon@2x.png look like addresses, package versions (react@18.2.0-rc.next) as well. */
const NOT_A_FILE = '(?!(?:png|jpe?g|gif|svg|webp|avif|ico|css|scss|less|html?|json|map)(?![a-zA-Z]))';
/** Letters of European names as well; an address inside an escaped string begins after the escape, not in it. */
const LOCAL = String.raw`\w.%+\-\u00c0-\u024f`;
const HOST = '[A-Za-z0-9][A-Za-z0-9.-]{0,63}';

/**
 * Persons, only in identity positions (R23): addresses, prompts, git authors. A host or user name as a word of prose
 * stays. `git@host:org/repo` names nobody.
 */
export const identityRules: readonly Rule[] = [
  {
    name: 'git-author',
    anchors: ['author:', 'author ', 'commit:', 'committer', '-by:'],
    pattern: String.raw`(?:(?:(?<!\w)(?:Author|Commit|Committer)|-[Bb]y):[ \t]{0,8}|(?<![^\n])(?:author|committer) )(?<secret>${NOT_A_MARKER}[^\s<>":]{1,40}(?: [^\s<>":]{1,40}){0,5})(?=[ \t]{0,4}<)`,
  },
  {
    name: 'shell-prompt',
    anchors: ['@'],
    pattern: String.raw`(?<=(?<lead>(?<![\w.@/+-])(?!git@)[a-z_][a-z0-9_.-]{0,31}))@${HOST}(?=:[~/]|:\s?\$| [~/][^\s]{0,200} ?[%$#])`,
  },
  {
    name: 'email',
    anchors: ['@'],
    pattern: String.raw`(?<=(?<lead>(?:(?<=\\[nrtbf])|(?<![${LOCAL}\\]))[${LOCAL}]{1,128}))@(?!(?<=(?<![${LOCAL}])git@)[A-Za-z0-9.-]{1,253}[:/])(?!\d{1,4}\.\d)(?:[a-zA-Z0-9-]{1,63}\.){1,8}${NOT_A_FILE}[a-zA-Z]{2,24}`,
    form: 'email',
  },
];
