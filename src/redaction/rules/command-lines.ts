import { NOT_A_MARKER, type Rule } from '../rule.ts';

const VALUE = String.raw`["']?(?<secret>${NOT_A_MARKER}(?![-$<{])[^\s"'${'`'}\\|&;<>()]{2,512})`;
/** The words between a program and its password flag, within one command and without the program's own name again. */
const WORDS = String.raw`(?:\s{1,4}(?!docker|podman|mysql|mariadb|redis-cli|mongo|ldap)[^\s|;&]{1,128}){0,12}?\s{1,4}`;

/** Passwords as arguments of programs that are known to take them so. */
export const commandLineRules: readonly Rule[] = [
  {
    // `--token abc` in prose ("the --token option") has a plain word after it; a secret has a digit, a sign or a capital.
    name: 'password-flag',
    anchors: ['password', 'passwd', 'passphrase', 'token', 'secret', 'key'],
    pattern: String.raw`(?<=(?<![\w-])--?(?:[a-z]{1,16}-){0,3})(?:password|passwd|passphrase|token|secret|(?<=(?:api|access|secret)-?)key)\s{1,4}["']?(?=[a-z.,-]{0,64}[^a-z.,\-\s"'])(?<secret>${NOT_A_MARKER}(?![-$<{])[^\s"'${'`'}\\|&;<>()]{4,1024})`,
  },
  {
    // `-u 1000:1000` is a uid, `-u https://…` an address.
    name: 'curl-user',
    anchors: [' -u', ' --user', ' --proxy-user'],
    pattern: String.raw` --?(?:u|user|proxy-user)[ =]{0,4}["']?(?![a-z]{1,10}:\/\/)[^\s:"'/]{1,128}:(?!\d{1,9}(?![\w]))(?<secret>${NOT_A_MARKER}(?!\$)[^\s"'\\]{3,512})`,
  },
  {
    name: 'login-flag',
    anchors: ['docker', 'podman', 'sshpass', 'mysql', 'mariadb', 'redis-cli', 'mongo', 'ldap'],
    pattern: String.raw`(?<![\w.-])(?:(?:docker|podman) login${WORDS}-p[ =]?|sshpass\s{1,4}-p\s{0,4}|(?:mysql|mariadb)(?:admin|dump)?${WORDS}-p|redis-cli${WORDS}-a\s{1,4}|mongo(?:sh|dump|restore)?${WORDS}-p\s{1,4}|ldap(?:search|modify|add)${WORDS}-w\s{1,4})${VALUE}`,
  },
];
