import { stringify } from 'smol-toml';

export interface InitialTeam {
  url: string;
  projects: readonly string[];
  token_file: string;
}

const HEAD = `# Syncline. Check it: syncline config check. Every key: docs/configuration.md, syncline config schema.
# Flags and SYNCLINE_* variables come before this file (SYNCLINE_TEAM__URL is url of [team]).

[capture]                                     # what is read at all; default: every agent, every project
exclude = []                                  # for example ["~/private/**", "github.com/acme/payroll"]
`;

const NO_TEAM = `
# [team]                                      # without it nothing leaves this machine
# url      = "https://syncline.example.com"
# token    = { file = "team.token" }          # a secret is never written in this file
# projects = ["github.com/acme/*"]            # the only projects whose data may leave
`;

const TELEMETRY = `
[telemetry]                                   # what agents did
content = "none"                              # "redacted" also sends prompts and tool output, redacted
`;

/** The text that `init` writes: commented, with a [team] only when there is one. */
export function initialConfig(team: InitialTeam | null): string {
  return HEAD + (team === null ? NO_TEAM : teamSection(team)) + TELEMETRY;
}

function teamSection({ url, projects, token_file }: InitialTeam): string {
  const value = (written: unknown): string => stringify({ value: written }).trim().replace('value = ', '');
  return `
[team]                                        # remove it and nothing leaves
url      = ${value(url)}
token    = { file = ${value(token_file)} }
projects = ${value([...projects])}
`;
}
