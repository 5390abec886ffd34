"""How secrets look: the formats of vendors, and the names beside which any value is one.

Specific formats come before generic ones, so that a mask names the vendor it hides.
"""

from typing import Final

import attrs


@attrs.frozen
class Shape:
    """One way a secret looks. The group `keep` of the pattern stays, `name` stands before it."""

    label: str
    clue: str  # a format is only tried where this stands in the lower-cased text
    pattern: str


_IS: Final = r"(?P<keep>[\"']?\s*[:=]\s*[\"']?)"
# What stands where a value would and is none: a number, a switch, a name of one, a mask.
_NONE: Final = (
    r"(?!(?:\d{1,7}|true|false|null|none|undefined|yes|no)\b|\$\{?[A-Z][A-Z0-9_]*\b|<|\{\{|\$\{\{"
    r"|process\.env|os\.(?:environ|getenv)|\*{3}|x{3}|\.{3})"
)
_HEADERS: Final = (
    r"x-api-key|api-key|x-goog-api-key|x-api-token|x-auth-token|private-token|x-vault-token"
    r"|x-amz-security-token|ocp-apim-subscription-key|x-functions-key|x-rapidapi-key"
)
_VENDORS: Final = (  # label, clue, format
    ("anthropic", "sk-ant-", r"sk-ant-[A-Za-z0-9_-]{8,}"),
    ("openrouter", "sk-or-", r"sk-or-[A-Za-z0-9_-]{8,}"),
    ("openai-project", "sk-proj-", r"sk-proj-[A-Za-z0-9_-]{8,}"),
    ("openai-service", "sk-svcacct-", r"sk-svcacct-[A-Za-z0-9_-]{8,}"),
    ("openai-admin", "sk-admin-", r"sk-admin-[A-Za-z0-9_-]{8,}"),
    ("openai", "sk-", r"\bsk-[A-Za-z0-9_-]{16,}"),
    ("openai", "sess-", r"\bsess-[A-Za-z0-9]{32,}"),
    ("stripe", "k_live_", r"\b[sr]k_live_[A-Za-z0-9]{16,}"),
    ("stripe", "k_test_", r"\b[sr]k_test_[A-Za-z0-9]{16,}"),
    ("stripe", "whsec_", r"\bwhsec_[A-Za-z0-9+/=]{20,}"),
    ("elevenlabs", "sk_", r"\bsk_[A-Za-z0-9]{32,}"),
    ("google", "aiza", r"\bAIza[A-Za-z0-9_-]{30,}"),
    ("google-oauth", "ya29.", r"\bya29\.[A-Za-z0-9_-]{10,}"),
    ("google-oauth", "gocspx-", r"\bGOCSPX-[A-Za-z0-9_-]{20,}"),
    ("google-oauth", "1//0", r"\b1//0[A-Za-z0-9_-]{30,}"),
    ("github", "gh", r"\bgh[pousr]_[A-Za-z0-9]{20,}"),
    ("github", "github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{20,}"),
    ("gitlab", "gl", r"\bgl(?:pat|ptt|dt|rt|cbt|soat|ft|imt|agent|oas)-[A-Za-z0-9_-]{16,}"),
    ("bitbucket", "atbb", r"\bATBB[A-Za-z0-9]{24,}"),
    ("atlassian", "atatt3", r"\bATATT3[A-Za-z0-9_=-]{20,}"),
    ("npm", "npm_", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("pypi", "pypi-", r"\bpypi-[A-Za-z0-9_-]{32,}"),
    ("rubygems", "rubygems_", r"\brubygems_[0-9a-f]{40,}"),
    ("docker", "dckr_", r"\bdckr_[po]at_[A-Za-z0-9_-]{20,}"),
    ("artifactory", "akcp", r"\bAKCp[A-Za-z0-9]{32,}"),
    ("aws", "akia", r"\bAKIA[A-Z0-9]{16}\b"),
    ("aws", "asia", r"\bASIA[A-Z0-9]{16}\b"),
    ("aws", "abia", r"\bABIA[A-Z0-9]{16}\b"),
    ("aws", "acca", r"\bACCA[A-Z0-9]{16}\b"),
    ("aws", "absk", r"\bABSK[A-Za-z0-9+/]{40,}={0,2}"),
    ("aws", "bedrock-api-key-", r"\bbedrock-api-key-[A-Za-z0-9+/=_-]{20,}"),
    ("digitalocean", "_v1_", r"\bdo[opr]_v1_[0-9a-f]{40,}"),
    ("databricks", "dapi", r"\bdapi[0-9a-f]{32}\b"),
    ("vault", "hv", r"\bhv[sbr]\.[A-Za-z0-9_-]{20,}"),
    ("terraform", ".atlasv1.", r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{40,}"),
    ("doppler", "dp.", r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9]{20,}"),
    ("fly", "fo1_", r"\bfo1_[A-Za-z0-9_-]{20,}"),
    ("fly", "flyv1 ", r"\bFlyV1 [A-Za-z0-9+/=,_-]{20,}"),
    ("heroku", "hrku-", r"\bHRKU-[A-Za-z0-9_-]{30,}"),
    ("netlify", "nfp_", r"\bnfp_[A-Za-z0-9]{30,}"),
    ("vercel", "vercel_blob_rw_", r"\bvercel_blob_rw_[A-Za-z0-9_]{20,}"),
    ("supabase", "sbp_", r"\bsbp_[0-9a-f]{40}\b"),
    ("supabase", "sb_secret_", r"\bsb_secret_[A-Za-z0-9_-]{20,}"),
    ("planetscale", "pscale_", r"\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{30,}"),
    ("shopify", "shp", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b"),
    ("square", "sq0", r"\bsq0(?:atp|csp)-[A-Za-z0-9_-]{20,}"),
    ("groq", "gsk_", r"\bgsk_[A-Za-z0-9]{20,}"),
    ("huggingface", "hf_", r"\bhf_[A-Za-z0-9]{20,}"),
    ("replicate", "r8_", r"\br8_[A-Za-z0-9]{30,}"),
    ("perplexity", "pplx-", r"\bpplx-[A-Za-z0-9]{30,}"),
    ("xai", "xai-", r"\bxai-[A-Za-z0-9]{30,}"),
    ("nvidia", "nvapi-", r"\bnvapi-[A-Za-z0-9_-]{30,}"),
    ("cerebras", "csk-", r"\bcsk-[a-z0-9]{30,}"),
    ("fireworks", "fw_", r"\bfw_[A-Za-z0-9]{20,}\b"),
    ("tavily", "tvly-", r"\btvly-[A-Za-z0-9_-]{16,}"),
    ("firecrawl", "fc-", r"\bfc-[0-9a-f]{32}\b"),
    ("pinecone", "pcsk_", r"\bpcsk_[A-Za-z0-9_]{30,}"),
    ("e2b", "e2b_", r"\be2b_[0-9a-f]{30,}"),
    ("langsmith", "lsv2_", r"\blsv2_(?:pt|sk)_[0-9a-f]{20,}[0-9a-f_]*"),
    ("zhipu", ".", r"\b[0-9a-f]{32}\.[A-Za-z0-9]{16}\b"),
    ("slack", "xox", r"\bxox[abceprs]-[A-Za-z0-9-]{10,}"),
    ("slack", "xoxe.", r"\bxoxe\.xox[bp]-[A-Za-z0-9-]{10,}"),
    ("slack", "xapp-", r"\bxapp-\d-[A-Za-z0-9-]{10,}"),
    ("slack", "hooks.slack.com", r"(?<=hooks\.slack\.com/)services/[A-Za-z0-9/]{20,}"),
    ("discord", "/api/webhooks/", r"(?<=/api/webhooks/)\d{10,}/[A-Za-z0-9_-]{20,}"),
    ("telegram", ":aa", r"\b\d{8,10}:AA[A-Za-z0-9_-]{32,}"),
    ("twilio", "sk", r"\bSK[0-9a-f]{32}\b"),
    ("sendgrid", "sg.", r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    ("mailgun", "key-", r"\bkey-[0-9a-f]{32}\b"),
    ("linear", "lin_", r"\blin_(?:api|oauth)_[A-Za-z0-9]{20,}"),
    ("notion", "ntn_", r"\bntn_[A-Za-z0-9]{30,}"),
    ("notion", "secret_", r"\bsecret_[A-Za-z0-9]{43}\b"),
    ("figma", "figd_", r"\bfigd_[A-Za-z0-9_-]{20,}"),
    ("postman", "pmak-", r"\bPMAK-[A-Za-z0-9-]{20,}"),
    ("newrelic", "nrak-", r"\bNRAK-[A-Z0-9]{20,}"),
    ("grafana", "gl", r"\bgl(?:sa|c)_[A-Za-z0-9+/=_]{20,}"),
    ("sentry", "sntry", r"\bsntry[su]_[A-Za-z0-9+/=_-]{20,}"),
    ("sonar", "sq", r"\bsq[pau]_[0-9a-f]{40}\b"),
    ("dropbox", "sl.", r"\bsl\.[A-Za-z0-9_-]{60,}"),
    ("1password", "ops_ey", r"\bops_eyJ[A-Za-z0-9_-]{20,}"),
    ("age", "age-secret-key-1", r"(?i)\bAGE-SECRET-KEY-1[A-Z0-9]{40,}"),
    ("jwt", "eyj", r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}"),
)
_KEYS: Final = (
    r"API[_-]?KEY|(?:SECRET|ACCESS|PRIVATE|ENCRYPTION|SIGNING|ACCOUNT|MASTER|AUTH)"
    r"(?:[_-]?(?:ACCESS|ACCOUNT|ROLE))?[_-]?KEY"
)
_NAMED: Final = (  # clue, names of variables, keys and fields
    ("key", _KEYS),
    ("token", "TOKEN"),
    ("secret", "SECRET"),
    ("passw", "PASSWORD|PASSWD"),
    ("passphrase", "PASSPHRASE"),
    ("_pwd", "(?<=_)PWD(?!=/)"),
    (";pwd", "(?<=;)PWD"),
    ("_auth", r"(?<![A-Za-z])_AUTH"),
)
SHAPES: Final = (
    Shape(
        "private-key",
        "private key",
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    ),
    *(Shape(*each) for each in _VENDORS),
    Shape("url-password", "://", r"(?<=://)[^\s/:@]+:[^\s/@]+(?=@)"),
    Shape(
        "url-secret",
        "=",
        r"(?i)(?<=[?&])(?P<keep>(?:sig|signature|x-(?:amz|goog)-(?:signature|credential|security-token)"
        r"|access_token|refresh_token|id_token|auth|apikey|client_secret)=)[^&\s\"'#\[]{6,}",
    ),
    Shape(
        "authorization",
        "authorization",
        rf"(?i)(?<=authorization){_IS}(?:(?:basic|bearer|token)\s+)?[^\s\"',;\[]+",
    ),
    Shape("bearer", "bearer", r"(?i)\bbearer(?P<keep>\s+)(?!token\b)[A-Za-z0-9._~+/=-]{8,}"),
    *(
        Shape("api-key", clue, rf"(?i)(?P<name>\b(?:{_HEADERS})){_IS}{_NONE}[^\s\"',;\[]+")
        for clue in ("-key", "-token")
    ),
    Shape("cookie", "cookie", r"(?i)\b(?P<name>(?:set-)?cookie)(?P<keep>:\s*)[^\s=;]+=[^\r\n\[]+"),
    Shape(
        "password",
        "curl",
        r"(?P<keep>\bcurl\b[^\n|;]{0,200}?\s(?:-u|--user)[\s=]+[\"']?)[^\s:\"'\[]+:[^\s\"'\[]+",
    ),
    Shape("password", " password ", r"(?P<keep>\blogin \S+ password )[^\s\[]+"),
    Shape(
        "value",
        "--",
        r"(?P<keep>--(?:[a-z]+-)*(?:api-key|token|password|secret|passphrase)\s+[\"']?)"
        + _NONE
        + r"(?![A-Z_]+\b|-)[^\s\"'\[]{6,}",
    ),
    *(
        Shape("value", clue, rf"(?i)(?P<name>{name}){form}")
        for clue, name in _NAMED
        for form in (
            rf"(?P<keep>[\"']?\s*[:=]\s*\"){_NONE}(?:[^\"\\]|\\.)+",
            rf"(?P<keep>[\"']?\s*[:=]\s*'){_NONE}[^'\[]+",
            rf"(?P<keep>=|:\s*){_NONE}[^\s\"',;\[]+",
            # with blanks around it is a statement, and a value only if it looks like one
            rf"(?P<keep>\s+=\s*|=\s+){_NONE}(?=\S*\d)[\w+/=.~-]{{8,}}(?![\w(\[])",
        )
    ),
    Shape(  # MY_TOKEN_2=, AWS_BEARER_TOKEN_BEDROCK=; not TOKEN_LIMIT=4000
        "value",
        "_",
        r"(?P<name>(?:TOKEN|SECRET|PASSWORD|API_KEY)(?:_[A-Z0-9]{1,20}){1,4})(?P<keep>=[\"']?)"
        + _NONE
        + r"[^\s\"',;\[]{8,}",
    ),
)
