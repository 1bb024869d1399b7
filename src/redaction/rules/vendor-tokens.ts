import { edge, type Rule } from '../rule.ts';

const WORD = edge('A-Za-z0-9_');

/**
 * `[name, anchors, pattern]`: tokens that their prefix gives away. Bodies take a longer tail than documented, so that
 * none is left; a left edge stands only where the prefix also ends a common word (`task-`, `msg.`).
 */
const table: readonly (readonly [name: string, anchors: string, pattern: string])[] = [
  [
    'aws-access-key',
    'akia asia abia acca a3t',
    `${edge('A-Za-z0-9')}(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16,32}`,
  ],
  ['aws-bedrock-key', 'absk', `${edge('A-Za-z0-9')}ABSK[A-Za-z0-9+/=]{100,512}`],
  ['github-token', 'ghp_ gho_ ghu_ ghs_ ghr_', 'gh[pousr]_[A-Za-z0-9]{36,255}'],
  ['github-fine-grained-token', 'github_pat_', 'github_pat_[A-Za-z0-9_]{22,255}'],
  [
    'gitlab-token',
    'glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- gloas- glsoat-',
    'gl[a-z]{2,5}-[A-Za-z0-9_.-]{20,255}',
  ],
  ['slack-token', 'xox xapp-', String.raw`(?:xox[a-z](?:\.xox[a-z])?|xapp-\d)-[A-Za-z0-9-]{10,255}`],
  [
    'slack-webhook',
    'hooks.slack.com/',
    String.raw`hooks\.slack\.com/(?:services|workflows|triggers)/(?<secret>[A-Za-z0-9/_+-]{20,128})`,
  ],
  ['discord-webhook', '/api/webhooks/', String.raw`/api/webhooks/\d{15,22}/(?<secret>[A-Za-z0-9_-]{40,128})`],
  ['stripe-key', 'sk_live_ rk_live_ sk_test_ rk_test_', '[sr]k_(?:live|test)_[A-Za-z0-9]{10,255}'],
  ['webhook-secret', 'whsec_', 'whsec_[A-Za-z0-9+/=]{24,128}'],
  ['npm-token', 'npm_', `${WORD}npm_[A-Za-z0-9]{36,255}`],
  ['pypi-token', 'pypi-', `${WORD}pypi-[A-Za-z0-9_-]{50,512}`],
  ['huggingface-token', 'hf_', `${WORD}hf_[A-Za-z0-9]{30,255}`],
  ['anthropic-key', 'sk-', `${WORD}sk-ant-[A-Za-z0-9_-]{16,512}`],
  ['openai-key', 'sk-', `${WORD}sk-[A-Za-z0-9_-]{20,512}`],
  ['google-api-key', 'aiza', 'AIza[A-Za-z0-9_-]{35,128}'],
  [
    'google-oauth',
    'ya29. gocspx- 1//0',
    String.raw`${WORD}(?:ya29\.[A-Za-z0-9_-]{20,1024}|GOCSPX-[A-Za-z0-9_-]{20,64}|1//0[A-Za-z0-9_-]{30,256})`,
  ],
  [
    'jwt',
    'eyj',
    String.raw`${edge('A-Za-z0-9_-')}eyJ[A-Za-z0-9_-]{10,2048}\.eyJ[A-Za-z0-9_-]{4,8192}(?:\.[A-Za-z0-9_-]{0,2048})?`,
  ],
  ['sendgrid-key', 'sg.', String.raw`${WORD}SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{30,64}`],
  ['telegram-bot-token', ':aa', String.raw`(?<=(?<lead>(?<!\d)\d{8,10})):AA[A-Za-z0-9_-]{32,40}`],
  ['shopify-token', 'shpat_ shpca_ shppa_ shpss_', 'shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32,64}'],
  ['digitalocean-token', 'dop_v1_ doo_v1_ dor_v1_', 'do[opr]_v1_[a-f0-9]{64}'],
  ['doppler-token', 'dp.', String.raw`${WORD}dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{40,80}`],
  ['databricks-token', 'dapi', String.raw`${WORD}dapi[a-f0-9]{32}(?:-\d)?`],
  ['grafana-token', 'glc_ glsa_', 'gl(?:c|sa)_[A-Za-z0-9+/=_]{32,400}'],
  ['terraform-token', '.atlasv1.', String.raw`(?<=(?<lead>[A-Za-z0-9]{14}))\.atlasv1\.[A-Za-z0-9_-]{60,70}`],
  ['vault-token', 'hvs. hvb. hvr.', String.raw`${WORD}hv[sbr]\.[A-Za-z0-9_-]{24,400}`],
  ['linear-key', 'lin_api_ lin_oauth_', `${WORD}lin_(?:api|oauth)_[A-Za-z0-9]{32,64}`],
  ['notion-token', 'ntn_ secret', `${WORD}(?:ntn|secret)_[A-Za-z0-9]{40,60}`],
  ['sentry-token', 'sntrys_ sntryu_', 'sntry[su]_[A-Za-z0-9+/=_-]{32,400}'],
  ['fly-token', 'fm1 fm2_', `${WORD}fm[12][a-z]?_[A-Za-z0-9+/=_-]{50,2048}`],
  ['onepassword-token', 'ops_eyj', 'ops_eyJ[A-Za-z0-9+/=_-]{100,2048}'],
  ['azure-client-secret', 'q~', String.raw`(?<=(?<lead>[A-Za-z0-9_~.]{3}\d))Q~[A-Za-z0-9_~.-]{31,34}`],
  ['atlassian-token', 'atatt3', 'ATATT3[A-Za-z0-9_=-]{50,400}'],
  ['docker-token', 'dckr_pat_ dckr_oat_', 'dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,128}'],
  ['postman-key', 'pmak-', 'PMAK-[a-f0-9]{24}-[a-f0-9]{34}'],
  ['figma-token', 'figd_', 'figd_[A-Za-z0-9_-]{36,64}'],
  ['newrelic-key', 'nrak-', 'NRAK-[A-Z0-9]{24,40}'],
  ['planetscale-token', 'pscale_', 'pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{30,128}'],
  ['square-token', 'sq0', 'sq0(?:atp|csp)-[A-Za-z0-9_-]{22,64}'],
  ['groq-key', 'gsk_', `${WORD}gsk_[A-Za-z0-9]{40,128}`],
  ['xai-key', 'xai-', `${WORD}xai-[A-Za-z0-9]{60,128}`],
  ['perplexity-key', 'pplx-', `${WORD}pplx-[A-Za-z0-9]{40,128}`],
  ['replicate-token', 'r8_', `${WORD}r8_[A-Za-z0-9]{37,64}`],
  ['langsmith-key', 'lsv2_', 'lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}'],
  ['supabase-key', 'sbp_ sb_secret_', `${WORD}(?:sbp_[a-f0-9]{40}|sb_secret_[A-Za-z0-9_-]{20,64})`],
];

export const vendorTokenRules: readonly Rule[] = table.map(([name, anchors, pattern]) => ({
  name,
  anchors: anchors.split(' '),
  pattern,
}));

/** The original's own token markers (telemetry specification §3.5 rule 4), for whatever shape the body has. */
export const markerTokenRules: readonly Rule[] = [
  {
    name: 'token',
    anchors: ['sk-', 'ghp_', 'gho_', 'xox', 'akia'],
    // The original ran to the next blank and so cut compact JSON to its end; quotes, brackets and escapes end ours.
    // `sk-SK` is a locale, `sk-learn` a library, `.sk-circle` a style class, `task-1` a word.
    pattern: String.raw`${edge('A-Za-z0-9_.-')}(?:sk-(?!SK\b|learn\b)[A-Za-z0-9]|gh[po]_[A-Za-z0-9]|xoxb-[A-Za-z0-9]|AKIA[A-Z0-9]{4})[^\s"'${'`'}\\(){}<>[\]]{0,4096}`,
    form: 'token',
  },
];
