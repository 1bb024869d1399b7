/**
 * What each rule must find and must leave alone. Used by the tests here and by the leak tests of every flow (promise P3:
 * no byte of any positive example in any file, message or page). Bodies are built, not written out, so that no scanner
 * takes this file for a leak.
 */
export interface RuleExamples {
  /** `[before, secret, after]`; the secret must be gone, the rest may stay. */
  readonly positive: readonly (readonly [before: string, secret: string, after: string])[];
  /** Texts that look alike and must come through unchanged. */
  readonly negative: readonly string[];
}

const MIXED = 'a7Kq2ZbX9mR4tYw8LcD3vNf6HsJ1gPu5';
const HEX = '3f9a1c7e5b2d8046';
const UPPER = 'Q7ZK2M9XW4B6T3YR';

/** `length` characters of a repeating alphabet. */
const fill = (alphabet: string, length: number): string =>
  alphabet.repeat(Math.ceil(length / alphabet.length)).slice(0, length);
const mixed = (length: number): string => fill(MIXED, length);
const hex = (length: number): string => fill(HEX, length);
const upper = (length: number): string => fill(UPPER, length);

const DASHES = '-'.repeat(5);
const pem = (label: string, body: string): string =>
  `${DASHES}BEGIN ${label}${DASHES}${body}${DASHES}END ${label}${DASHES}`;

/** A path at the root, in parts: a search for paths of the machine this is developed on must find none. */
const at = (root: string, rest: string): string => `/${root}/${rest}`;

/** Examples of a token that its prefix gives away. */
function prefixed(secret: string, negative: readonly string[]): RuleExamples {
  return {
    positive: [
      ['', secret, ''],
      ['use ', secret, ' for this'],
      ['{"a":"', secret, '","b":1}'],
      ['line one\\n', secret, '\\nline three'],
    ],
    negative,
  };
}

export const examples: Readonly<Record<string, RuleExamples>> = {
  'private-key': {
    positive: [
      ['key:\n', pem('RSA PRIVATE KEY', `\n${mixed(64)}\n${mixed(64)}\n${mixed(20)}==\n`), '\nnext'],
      ['', pem('OPENSSH PRIVATE KEY', `\n${mixed(70)}\n${mixed(70)}\n`), ''],
      ['', pem('ENCRYPTED PRIVATE KEY', `\n${mixed(64)}\n`), ' tail'],
      ['', pem('PRIVATE KEY', `\\n${mixed(64)}\\n${mixed(64)}\\n`), '\\n'],
      ['', pem('PGP PRIVATE KEY BLOCK', `\nVersion: GnuPG v2\n\n${mixed(64)}\n=abcd\n`), ''],
      ['', pem('EC PRIVATE KEY', `\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,${upper(32)}\n\n${mixed(64)}\n`), ''],
    ],
    negative: [
      pem('PUBLIC KEY', `\n${mixed(64)}\n`),
      pem('CERTIFICATE', `\n${mixed(64)}\n`),
      'the PRIVATE KEY of the server is on the server',
    ],
  },
  'private-key-truncated': {
    positive: [['x ', `${DASHES}BEGIN RSA PRIVATE KEY${DASHES}\n${mixed(64)}\n${mixed(64)}`, '"}']],
    negative: [`${DASHES}BEGIN CERTIFICATE${DASHES}\n${mixed(64)}`, 'grep "BEGIN RSA PRIVATE KEY" file'],
  },
  'age-secret-key': prefixed(`AGE-SECRET-KEY-1${upper(58)}`, [
    'AGE-SECRET-KEY-1',
    'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p',
  ]),
  'authorization-header': {
    positive: [
      ['', 'Authorization: Bearer abc.def', ''],
      ['curl -H "', `Authorization: Basic ${mixed(24)}==`, '" https://example.com'],
      ['> ', `authorization: token ${mixed(20)}`, '\r\n> accept: */*'],
      ['', `Authorization: ${mixed(32)}`, ''],
      ['Proxy-', `Authorization: Basic ${mixed(20)}`, ''],
    ],
    negative: ['Authorization: the process of deciding', 'Authorization: required', 'authorization: see RFC 9110'],
  },
  'authorization-value': {
    positive: [
      ["headers['Authorization'] = 'Bearer ", mixed(24), "'"],
      ['headers: { "Authorization": "Basic ', mixed(16), '" }'],
      ["setHeader('Authorization', 'Basic ", mixed(16), "')"],
      ['{\\"Authorization\\":\\"Bearer ', mixed(16), '\\"}'],
    ],
    negative: [
      '{"Authorization": "${TOKEN}"}',
      'the "authorization" header',
      "'authorization': [1, 2]",
      "['authorization', 'cookie']",
      "'authorization': 'Basic ' + x",
    ],
  },
  'bearer-token': {
    positive: [
      ['sends ', 'Bearer abc.def', ' with it'],
      ['', `Bearer ${mixed(40)}`, '"'],
    ],
    negative: [
      'a Bearer token is needed',
      'WWW-Authenticate: Bearer realm="x"',
      '* Bearer Auth Middleware',
      'Bearer authentication',
      'the bearer of this letter',
    ],
  },
  'secret-header': {
    positive: [
      ['-H "X-Api-Key: ', mixed(20), '"'],
      ['X-Vault-Token: ', mixed(26), '\n'],
      ['Private-Token: ', 'zQ7w', ''],
      ["'x-goog-api-key': '", mixed(20), "'"],
    ],
    negative: [
      'the X-Api-Key header',
      "'x-idempotency-key': 'batch-0001'",
      "'x-api-key': undefined",
      'X-Api-Key: $API_KEY',
      'x-request-id: 0f3a',
    ],
  },
  'cookie-header': {
    positive: [
      ['Cookie: ', `session=${mixed(24)}; theme=dark`, '\n'],
      ['set-cookie: ', `sid=${mixed(12)}; Path=/; HttpOnly`, ''],
    ],
    negative: ['cookie: none', 'a cookie: it stores state'],
  },
  'url-credentials': {
    positive: [
      ['postgresql://', 'user:pa55', '@db.example.com:5432/app'],
      ['mongodb+srv://', `u:${mixed(12)}`, '@cluster.example.net/x'],
      ['redis://', ':zecret', '@127.0.0.1:6379/0'],
      ['https://', 'alice:p@ss', '@example.com/path'],
      ['https://', `x-access-token:${mixed(20)}`, '@github.com/org/repo.git'],
      ['amqp://', 'u:pa/ss', '@host/vhost'],
      ['{"url":"mysql://', 'root:hunter2', '@host/db"}'],
    ],
    negative: [
      'postgres://localhost/db',
      'https://example.com:8443/a?b=@c',
      'http://host:80/x@y',
      'ssh://git@github.com/org/repo',
      'https://example.com/a:b/c@d',
    ],
  },
  'url-token': {
    positive: [
      ['git clone https://', mixed(30), '@github.com/org/repo'],
      ['https://', 'deploy-token', '@example.com/x'],
    ],
    negative: [
      'https://git@github.com/org/repo',
      'https://example.com/@scope/name',
      'https://medium.com/@someone/post',
    ],
  },
  'url-parameter': {
    positive: [
      ['https://maps.example.com/x?key=', mixed(24), '&q=1'],
      ['https://s3.example.com/o?a=1&X-Amz-Signature=', hex(64), ''],
      ['/callback?code=', mixed(24), '&state=ok'],
    ],
    negative: ['/search?key=name', '/list?code=404&sort=up', '/x?keyboard=abcdefghijklmnopqrst'],
  },
  'aws-access-key': prefixed(`AKIA${upper(16)}`, ['AKIA', 'SLOVAKIA', 'the ASIAN market']),
  'aws-bedrock-key': prefixed(`ABSK${mixed(128)}=`, ['ABSK', `ABSK${mixed(20)}`]),
  'github-token': {
    positive: ['ghp', 'gho', 'ghu', 'ghs', 'ghr'].flatMap((kind) => prefixed(`${kind}_${mixed(40)}`, []).positive),
    negative: ['the ghp_ prefix', 'ghx_abc', 'high_score'],
  },
  'github-fine-grained-token': prefixed(`github_pat_${mixed(22)}_${mixed(59)}`, ['github_pat_', 'github_path']),
  'gitlab-token': prefixed(`glpat-${mixed(20)}`, ['glpat-', 'gldt-short']),
  'slack-token': {
    positive: [
      ...prefixed(`xoxb-${'1234567890123'}-${'1234567890123'}-${mixed(24)}`, []).positive,
      ...prefixed(`xoxe.xoxp-1-${mixed(60)}`, []).positive,
      ...prefixed(`xapp-1-A0${upper(9)}-1234567890123-${hex(64)}`, []).positive,
    ],
    negative: ['xoxo', 'xapp-', 'foxoxide'],
  },
  'slack-webhook': {
    positive: [['https://hooks.slack.com/services/', `T0${upper(8)}/B0${upper(8)}/${mixed(24)}`, '']],
    negative: ['https://hooks.slack.com/', 'https://api.slack.com/messaging/webhooks'],
  },
  'discord-webhook': {
    positive: [['https://discord.com/api/webhooks/123456789012345678/', mixed(68), '']],
    negative: ['https://discord.com/api/webhooks/', 'POST /api/webhooks/github'],
  },
  'stripe-key': {
    positive: [...prefixed(`sk_live_${mixed(24)}`, []).positive, ...prefixed(`rk_test_${mixed(24)}`, []).positive],
    negative: [`pk_live_${mixed(24)}`, 'task_live_view', 'sk_live_'],
  },
  'webhook-secret': prefixed(`whsec_${mixed(32)}`, ['whsec_', 'swhsec_short']),
  'npm-token': prefixed(`npm_${mixed(36)}`, ['npm_config_registry', 'npm_package_name']),
  'pypi-token': prefixed(`pypi-${mixed(80)}`, ['pypi-mirror', 'the pypi-publish action']),
  'huggingface-token': prefixed(`hf_${mixed(34)}`, ['hf_hub_download', 'hf_model']),
  'anthropic-key': prefixed(`sk-ant-api03-ab_${mixed(80)}-_${mixed(8)}AA`, [
    'the sk-ant family: see docs'.replace('sk-ant', 'ant'),
    'task-ant-hill',
  ]),
  'openai-key': prefixed(`sk-proj-${mixed(40)}_${mixed(40)}`, [
    'task-implementation-of-the-thing',
    'desk-project-alpha',
  ]),
  'google-api-key': prefixed(`AIza${mixed(35)}`, ['AIza', 'AIzaShort']),
  'google-oauth': {
    positive: [
      ...prefixed(`ya29.${mixed(60)}`, []).positive,
      ...prefixed(`GOCSPX-${mixed(28)}`, []).positive,
      ...prefixed(`1//0${mixed(60)}`, []).positive,
    ],
    negative: ['ya29.', 'GOCSPX-', '1//0'],
  },
  jwt: prefixed(`eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.${mixed(43)}`, ['eyJ', 'eyJhbGciOiJIUzI1NiJ9 alone']),
  'sendgrid-key': prefixed(`SG.${mixed(22)}.${mixed(43)}`, ['SG.', 'MSG.text.value']),
  'telegram-bot-token': prefixed(`1234567890:AA${mixed(33)}`, ['12:AA', '10:AAA battery']),
  'shopify-token': prefixed(`shpat_${hex(32)}`, ['shpat_', 'shipping']),
  'digitalocean-token': prefixed(`dop_v1_${hex(64)}`, ['api_v1_users', 'dop_v1_']),
  'doppler-token': prefixed(`dp.st.prd.${mixed(40)}`, ['dp.st.', 'udp.stream']),
  'databricks-token': prefixed(`dapi${hex(32)}`, ['dapi', 'fastdapi']),
  'grafana-token': prefixed(`glsa_${mixed(32)}_${hex(8)}`, ['glsa_', 'glc_x']),
  'terraform-token': prefixed(`${mixed(14)}.atlasv1.${mixed(64)}`, ['.atlasv1.', 'x.atlasv1.y']),
  'vault-token': prefixed(`hvs.${mixed(90)}`, ['hvs.', 'hvac.system']),
  'linear-key': prefixed(`lin_api_${mixed(40)}`, ['lin_api_', 'lin_alg_solve']),
  'notion-token': prefixed(`ntn_${mixed(46)}`, ['ntn_', 'secret_santa']),
  'sentry-token': prefixed(`sntrys_${mixed(80)}`, ['sntrys_', 'sentry_dsn']),
  'fly-token': prefixed(`fm2_${mixed(120)}`, ['fm2_', 'fm1_radio']),
  'onepassword-token': prefixed(`ops_eyJ${mixed(200)}`, ['ops_eyJ', 'ops_team']),
  'azure-client-secret': prefixed(`abc8Q~${mixed(34)}`, ['Q~', 'abc8Q~short']),
  'atlassian-token': prefixed(`ATATT3${mixed(100)}`, ['ATATT3', 'ATATT']),
  'docker-token': prefixed(`dckr_pat_${mixed(27)}`, ['dckr_pat_', 'dckr_x']),
  'postman-key': prefixed(`PMAK-${hex(24)}-${hex(34)}`, ['PMAK-', 'PMAK-x']),
  'figma-token': prefixed(`figd_${mixed(40)}`, ['figd_', 'configd_']),
  'newrelic-key': prefixed(`NRAK-${upper(27)}`, ['NRAK-', 'NRAK-x']),
  'planetscale-token': prefixed(`pscale_tkn_${mixed(43)}`, ['pscale_tkn_', 'upscale_x']),
  'square-token': prefixed(`sq0atp-${mixed(22)}`, ['sq0atp-', 'sq0']),
  'groq-key': prefixed(`gsk_${mixed(52)}`, ['gsk_', 'gsk_small']),
  'xai-key': prefixed(`xai-${mixed(80)}`, ['xai-', 'xai-client']),
  'perplexity-key': prefixed(`pplx-${mixed(48)}`, ['pplx-', 'pplx-online']),
  'replicate-token': prefixed(`r8_${mixed(37)}`, ['r8_', 'r8_register']),
  'langsmith-key': prefixed(`lsv2_pt_${hex(32)}_${hex(10)}`, ['lsv2_pt_', 'lsv2_']),
  'supabase-key': prefixed(`sbp_${hex(40)}`, ['sbp_', 'sb_secret_']),
  'quoted-assignment': {
    positive: [
      ['password = "', 'hunter2', '"'],
      ["apiKey: '", mixed(20), "',"],
      ['{"client_secret":"', 'correct horse battery', '","n":1'],
      ['"db_password" : "', 'pa\\"ss', '"'],
      ['const TOKEN="', mixed(16), '";'],
      ['passwd=b"', 'zby7ez', '"'],
    ],
    negative: [
      'password: "${PASSWORD}"',
      'token = "<your token>"',
      'password = ""',
      "console.log('password:', password)",
      'tokens_in: "12"',
      '"max_tokens":"4096"',
      'token == "abc"',
      "secret: '{{ vault.secret }}'",
    ],
  },
  'escaped-assignment': {
    positive: [
      ['"{\\"password\\":\\"', 'hunter2', '\\"}" and more'],
      ['export API_KEY=\\"', mixed(16), '\\" && run'],
      ['\\\\\\"token\\\\\\": \\\\\\"', mixed(20), '\\\\\\"'],
    ],
    negative: ['{\\"tokens\\":\\"12\\"}', '\\"password\\":\\"\\"', '\\"token\\": \\"${T}\\"'],
  },
  'bare-assignment': {
    positive: [
      ['password=', 'hunter2', ' next'],
      ['https://example.com/x?access_token=', mixed(20), '&b=1'],
      ['Server=db;User Id=sa;Password=', 'Pa55w0rd', ';Encrypt=true'],
      ['AccountKey=', `${mixed(86)}==`, ';EndpointSuffix=x'],
      ['//registry.example.com/:_authToken=', mixed(24), '\n'],
    ],
    negative: [
      'password=$PASSWORD',
      'token=process.env.TOKEN',
      'password=getPassword()',
      'tokens=1200',
      'password=None',
      'token=${TOKEN}',
    ],
  },
  'spaced-assignment': {
    positive: [
      ['password: ', 'hunter2', '\nuser'],
      ['api_key = ', mixed(20), '\n'],
      ['client-key-data: ', mixed(60), '\n'],
    ],
    negative: [
      'password: string;',
      'token: Optional[str] = None',
      'password = read_password()',
      'token: 12345678',
      'the secret: nobody knows',
      'max_token_count: 4096',
      'if (token === undefined1)',
    ],
  },
  'env-variable': {
    positive: [
      ['export DB_TOKEN=', 'hunter2', ' && run'],
      ['export FOO_TOKEN=', 'zQ7', ''],
      ['SOME_KEY="', 'zwei worte', '"'],
      ['SECRET_KEY_BASE=', hex(40), '\n'],
      ['PGPASSWORD=', 'letmein', ' psql'],
    ],
    negative: ['MY_KEY=$OTHER', 'USE_TOKEN=true', 'MAX_TOKENS=100000', 'KEYBOARD=us-intl', 'if [ $SOME_KEY == abc ]'],
  },
  'netrc-password': {
    positive: [['machine api.example.com login me password ', 'zXy9', '\n']],
    negative: ['machine learning password hygiene', 'the machine and its login'],
  },
  'password-flag': {
    positive: [
      ['run --password ', 'hunter2', ' --verbose'],
      ['tool --api-key ', mixed(20), ''],
      ['x --auth-token "', 'A-b-C', '"'],
    ],
    negative: ['the --token option', '--password $PASSWORD', 'pass --secret <name> to it', 'git config --token'],
  },
  'curl-user': {
    positive: [
      ['curl -u admin:', 'hunter2', ' https://example.com'],
      ['curl --user "me:', 'letmein', '" x'],
    ],
    negative: ['docker run -u 1000:1000 image', 'sort -u file', 'chown --user a'],
  },
  'login-flag': {
    positive: [
      ['docker login -u me -p ', 'hunter2', ' registry.example.com'],
      ['sshpass -p ', 'letmein', ' ssh host'],
      ['mysql -u root -p', 'hunter2', ' app'],
      ['redis-cli -h x -a ', 'letmein', ' ping'],
    ],
    negative: ['mkdir -p dir/sub', 'docker run -p 80:80 image', 'mysql -u root -p', 'sshpass -f file ssh host'],
  },
  'git-author': {
    positive: [
      ['Author: ', 'Alice Smith', ' <someone>'],
      ['Signed-off-by: ', 'Bob Jones', ' <someone>'],
      ['author ', 'Carol King', ' <someone> 1700000000 +0000'],
    ],
    negative: ['Author: see the file', 'the author of <a href>', 'by: x'],
  },
  'shell-prompt': {
    positive: [
      ['', 'alice@macbook-pro', ':~/src$ ls'],
      ['[', 'bob@build01', ' ~]$ make'],
      ['scp x ', 'carol@host7', ':/srv/data'],
    ],
    negative: ['git@github.com:org/repo', 'git@host:~/repo', 'npm i left-pad@1.3.0 now', '@scope/name'],
  },
  email: {
    positive: [
      ['contact me at ', 'user@example.com', ' ok'],
      ['<', 'first.last+tag@mail.example.co.uk', '>'],
      ['one\\n', 'alice@example.org', '\\ntwo'],
      ['mailto:', 'müller@example.de', ''],
    ],
    negative: [
      'git@github.com:org/repo',
      'ssh://git@github.com/org/repo',
      'icon@2x.png',
      'react@18.2.0',
      '@angular/core',
      'user@localhost',
    ],
  },
  'quoted-path': {
    positive: [
      ['open "', '/Users/alice/My Documents/secret plan.txt', '" now'],
      ["cat '", '/home/bob jones/notes of today', "'"],
    ],
    negative: ['"https://example.com/home/page"', "import '/homepage/x'", '"./src/home/page.tsx"'],
  },
  'home-path': {
    positive: [
      ['file ', '/Users/alice/secret.txt', ''],
      ['cd ', '/home/bob/src/app', ''],
      ['see ', '/Users/Alice Smith/Library/Application Support/x.db', ' there'],
      ['gcc -I', '/home/bob/include', ' x.c'],
      ['file://', '/home/bob/x.html', ''],
      ['http://localhost:5173/@fs', '/home/bob/x.ts', ''],
      ['', '/var/folders/ab/T/x.log', ''],
    ],
    negative: [
      'src/home/page.tsx',
      'https://example.com/home/page',
      'https://example.com/Users/list',
      'app/Users/list.ts',
      '/homepage/x',
      '~/notes',
    ],
  },
  'root-path': {
    positive: [
      ['ls ', at('root', '.ssh/config'), ''],
      ['in ', at('tmp', 'build-alice/x'), ' now'],
      ['', at('workspace', 'app/src'), ''],
      ['', at('workspaces', 'app'), ''],
      ['', at('opt', 'acme/bin/run'), ''],
      ['', at('mnt', 'c/Users/alice/x'), ''],
    ],
    negative: ['./opt/x', 'src/mnt/index.ts', '/opt', 'https://example.com/opt/out', 'a/b/mnt/c'],
  },
  'windows-path': {
    positive: [
      ['open ', 'C:\\Users\\alice\\x.txt', ''],
      ['"', 'C:\\\\Users\\\\alice\\\\x.txt', '"'],
      ['\\n', 'C:\\\\Users\\\\alice', '\\n'],
      ['', 'c:/Users/alice/src', ' x'],
      ['', 'C:\\Users\\Alice Smith\\My Documents\\x.txt', ' y'],
      ['', 'D:\\work\\acme', ''],
    ],
    negative: ['https://example.com/x', 'note: a/b', 'x:\\n', 'http://a/b', '/at (?:\\S:\\d+)/'],
  },
  'unc-path': {
    positive: [
      ['on ', '\\\\fileserver\\share\\alice\\x.txt', ''],
      ['', '\\\\\\\\fileserver\\\\share\\\\alice', ''],
    ],
    negative: ['\\\\d+\\\\s', '[\\\\x00-\\\\x7F]', 'a \\\\ b', '//cdn.example.com/x.js'],
  },
  token: {
    positive: [
      ['x=', 'sk-abc,y=1', ' z'],
      ['{"a":"', 'sk-abc', '","b":"c"}'],
      ['', 'ghp_short', ' x'],
      ['', 'xoxb-1', ''],
    ],
    negative: ['task-123', 'sk-SK', 'pip install sk-learn', '.sk-circle { }', 'SLOVAKIA1', 'risk-free'],
  },
};
