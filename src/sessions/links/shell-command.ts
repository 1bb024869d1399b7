/**
 * Takes a shell script apart into its simple commands, enough to tell which programs it runs with which words: lists,
 * pipes, subshells, substitutions, quotes, comments, redirections and here-documents of POSIX shells and bash. It expands
 * nothing. Text that is no valid script gives some commands, never an error; time is linear in the text.
 */

export interface ShellCommand {
  /** Unquoted words: the program first. Assignments before it and redirections are left out. */
  words: string[];
  /** What stands between it and the command before; newlines are `;`. */
  after: '&&' | '||' | ';' | '|' | '&';
  /** Its output goes to a file or into a variable, so the script does not print it. */
  diverted: boolean;
  /** Its here-document or here-string. */
  input: string | null;
}

interface HereDocument {
  end: string;
  /** `<<-`: tabs before the end do not count. */
  indented: boolean;
  owner: ShellCommand;
}

/** Longer scripts are generated, and hold nothing of interest behind this. UTF-16 units. */
const MAX_SCRIPT_CHARS = 1024 * 1024;
const MAX_DEPTH = 32;
const MAX_COMMANDS = 20_000;
/** What redaction leaves behind; its angle brackets are no redirections. */
const MARKER = /<(?:REDACTED|[0-9a-f]{4,64}):[A-Za-z0-9:_-]{1,80}>/y;
const PLAIN = /[^\s'"\\$`;&|()<>]+/y;
const CONTINUATION = /\\\r?\n/y;
const IN_DOUBLE_QUOTES = /[^"\\$`]+/y;
const REDIRECTION = /<<<|<<-|<<|<&|<>|<\(|>\(|>>|>&|>\||<|>/y;
const ASSIGNMENT = /^[A-Za-z_][A-Za-z0-9_]*\+?=/;

/** The commands in the order of the text; those of a substitution come before the command that they are part of. */
export function splitShell(script: string): ShellCommand[] {
  const scanner = new ShellScanner(script.slice(0, MAX_SCRIPT_CHARS), 0, false);
  scanner.list(null);
  return scanner.commands;
}

class ShellScanner {
  readonly commands: ShellCommand[] = [];
  private at = 0;
  private readonly text: string;
  private depth: number;
  private captured: boolean;
  private readonly awaited: HereDocument[] = [];

  constructor(text: string, depth: number, captured: boolean) {
    this.text = text;
    this.depth = depth;
    this.captured = captured;
  }

  /** Reads commands up to `close`, which it takes, or to the end. */
  list(close: ')' | null, first: ShellCommand['after'] = ';'): void {
    let command = emptyCommand(first, this.captured);
    const end = (after: ShellCommand['after']): void => {
      if (command.words.length > 0) this.commands.push(command);
      command = emptyCommand(after, this.captured);
    };
    while (this.at < this.text.length && this.commands.length < MAX_COMMANDS) {
      const character = this.text.charAt(this.at);
      if (character === ')') {
        this.at++;
        if (close !== null) break;
        end(';');
      } else if (character === '\n') {
        this.at++;
        if (command.words.length > 0) end(';');
        this.hereDocuments();
      } else if (/\s/.test(character)) this.at++;
      else if (this.run(CONTINUATION) !== null) continue;
      else if (character === '#') this.comment();
      else if (character === '(') {
        const { after } = command;
        end(after);
        this.nested(this.captured, after);
      } else if (character === '<' || character === '>') this.redirection(command);
      else if (character === '&' && this.text.charAt(this.at + 1) === '>') {
        this.at++;
        this.redirection(command);
      } else if (character === ';' || character === '&' || character === '|') end(this.operator());
      else this.wordOf(command);
    }
    end(';');
  }

  private operator(): ShellCommand['after'] {
    const two = this.text.slice(this.at, this.at + 2);
    this.at += two === '&&' || two === '||' || two === '|&' || two === ';;' ? 2 : 1;
    if (two === '&&' || two === '||') return two;
    const one = two.charAt(0);
    return one === '|' || one === '&' ? one : ';';
  }

  private nested(captured: boolean, first: ShellCommand['after'] = ';'): void {
    this.at++;
    if (this.depth >= MAX_DEPTH) return;
    const outer = this.captured;
    this.captured = captured;
    this.depth++;
    this.list(')', first);
    this.depth--;
    this.captured = outer;
  }

  private comment(): void {
    const end = this.text.indexOf('\n', this.at);
    this.at = end < 0 ? this.text.length : end;
  }

  private wordOf(command: ShellCommand): void {
    const start = this.at;
    const word = this.word();
    const next = this.text.charAt(this.at);
    // `2>`: the number belongs to the redirection.
    if ((next === '>' || next === '<') && /^\d{1,3}$/.test(word)) return this.redirection(command, word);
    if (command.words.length === 0 && ASSIGNMENT.test(word)) return;
    if (word !== '' || this.at > start + 1) command.words.push(word);
  }

  private word(): string {
    let word = '';
    while (this.at < this.text.length) {
      const part = this.run(PLAIN) ?? this.run(MARKER) ?? this.quoted();
      if (part === null) break;
      word += part;
    }
    return word;
  }

  /** A part of a word that begins with a special character; null: the word ends here. */
  private quoted(): string | null {
    switch (this.text.charAt(this.at)) {
      case "'":
        return this.singleQuoted();
      case '"':
        return this.doubleQuoted();
      case '\\':
        return this.escaped();
      case '$':
        return this.dollar(true);
      case '`':
        return this.backquoted();
      default:
        return null;
    }
  }

  private run(pattern: RegExp): string | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found === undefined) return null;
    this.at += found.length;
    return found;
  }

  private singleQuoted(): string {
    const end = this.text.indexOf("'", this.at + 1);
    const part = this.text.slice(this.at + 1, end < 0 ? undefined : end);
    this.at = end < 0 ? this.text.length : end + 1;
    return part;
  }

  private doubleQuoted(): string {
    this.at++;
    let part = '';
    while (this.at < this.text.length) {
      const character = this.text.charAt(this.at);
      if (character === '"') {
        this.at++;
        break;
      }
      if (character === '\\') part += this.escapedInQuotes();
      else if (character === '$') part += this.dollar(false);
      else if (character === '`') part += this.backquoted();
      else part += this.run(IN_DOUBLE_QUOTES) ?? '';
    }
    return part;
  }

  private escaped(): string {
    const character = this.text.charAt(this.at + 1);
    this.at += 2;
    return character === '\n' ? '' : character;
  }

  private escapedInQuotes(): string {
    const character = this.text.charAt(this.at + 1);
    const escaped = this.escaped();
    return '"\\$`\n'.includes(character) ? escaped : `\\${escaped}`;
  }

  /** `$(…)` is a script of its own, `$'…'` a quotation; else `$` is a character like any other. */
  private dollar(quotes: boolean): string {
    const start = this.at;
    const next = this.text.charAt(start + 1);
    if (next === '(' && this.depth < MAX_DEPTH) {
      this.at++;
      this.nested(true);
      return this.text.slice(start, this.at);
    }
    this.at++;
    return quotes && next === "'" ? this.ansiQuoted() : '$';
  }

  private ansiQuoted(): string {
    this.at++;
    let part = '';
    while (this.at < this.text.length) {
      const character = this.text.charAt(this.at);
      if (character === '\\') {
        const escape = this.escaped();
        part += escape === 'n' ? '\n' : escape === 't' ? '\t' : escape;
        continue;
      }
      this.at++;
      if (character === "'") break;
      part += character;
    }
    return part;
  }

  /** A script between backquotes, in which a backslash takes the meaning of another one, of `$` and of a backquote. */
  private backquoted(): string {
    const start = this.at++;
    while (this.at < this.text.length && this.text.charAt(this.at) !== '`') {
      this.at += this.text.charAt(this.at) === '\\' ? 2 : 1;
    }
    const script = this.text.slice(start + 1, this.at).replace(/\\([\\$`])/g, '$1');
    this.at++;
    if (this.depth < MAX_DEPTH) {
      // Each level doubles the backslashes, so the levels, each of which reads the text again, are few.
      const scanner = new ShellScanner(script, this.depth + 1, true);
      scanner.list(null);
      for (const command of scanner.commands) this.commands.push(command);
    }
    return this.text.slice(start, this.at);
  }

  private redirection(command: ShellCommand, descriptor = ''): void {
    const marker = descriptor === '' && this.text.charAt(this.at) === '<' ? this.word() : '';
    if (marker !== '') {
      command.words.push(marker);
      return;
    }
    const sign = this.run(REDIRECTION) ?? '';
    if (sign.endsWith('(')) {
      this.at--;
      return this.nested(true);
    }
    while (this.text.charAt(this.at) === ' ' || this.text.charAt(this.at) === '\t') this.at++;
    const quoted = /['"\\]/.test(this.text.charAt(this.at));
    const target = this.word();
    if (sign === '<<' || sign === '<<-') {
      if (target !== '' || quoted) this.awaited.push({ end: target, indented: sign === '<<-', owner: command });
    } else if (sign === '<<<') command.input = target;
    else if (sign.startsWith('>') && descriptor !== '2' && !/^[&]?[12-]$/.test(target)) command.diverted = true;
  }

  /** The bodies that the line before asked for. */
  private hereDocuments(): void {
    for (const { end, indented, owner } of this.awaited.splice(0)) {
      const start = this.at;
      let bodyEnd = this.text.length;
      while (this.at < this.text.length) {
        const newline = this.text.indexOf('\n', this.at);
        const lineEnd = newline < 0 ? this.text.length : newline;
        const raw = this.text.slice(this.at, lineEnd).replace(/\r$/, '');
        const line = indented ? raw.replace(/^\t+/, '') : raw;
        if (line === end) bodyEnd = this.at;
        this.at = newline < 0 ? lineEnd : newline + 1;
        if (line === end) break;
      }
      owner.input = this.text.slice(start, bodyEnd);
    }
  }
}

function emptyCommand(after: ShellCommand['after'], diverted: boolean): ShellCommand {
  return { words: [], after, diverted, input: null };
}
