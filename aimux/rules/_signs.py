"""How the errors of models, networks and command lines read, whichever CLI passes them on.

Texts are folded (white space) and in lower case when they come here. The order of the table is the
order in which classes are tried; a prompt that is too long stands first, because its texts speak of
limits and tokens like those of a quota, and so does a certificate that is not trusted, which every
CLI calls a failed connection. What a vendor says in its own language stands before the
English of the same class: it says more than the status beside it.
"""

from typing import Final

from aimux.model import FailureClass

from ._sign import ORDER, Sign, status as _status
from ._signs_abroad import ABROAD

CONTEXT_OVERFLOW: Final = "context_overflow"
SESSION_LOST: Final = "native_session_lost"
SESSION_IN_USE: Final = "native_session_in_use"
TOOLS_DENIED: Final = "tools_denied"
TLS_UNTRUSTED: Final = "tls_untrusted"

_ENGLISH: Final = (
    Sign(  # before those of the network: a fetch that failed has its cause behind it
        FailureClass.USAGE,
        TLS_UNTRUSTED,
        "cert|leaf_signature",
        r"self[- _]signed[ _]cert(?:ificate)?(?:_in_chain)?\b|\bcert(?:ificate)?[ _]"
        r"(?:verify_failed|verify failed|has[ _]expired)\b"
        r"|\bunable[ _]to[ _]get[ _](?:local[ _])?issuer[ _]cert"
        r"|\bcertificate signed by unknown authority\b|\binvalid peer certificate\b"
        r"|\bunable[ _]to[ _]verify[ _](?:the[ _]first[ _]certificate|leaf[ _]signature)\b"
        r"|\berr_tls_cert_altname_invalid\b|\bcertificate is not trusted\b",
    ),
    Sign(
        FailureClass.FATAL,
        CONTEXT_OVERFLOW,
        "prompt|input|context|token",
        r"\bprompt (?:is )?too long|\bprompt_too_long\b|\binput is too long\b"
        r"|\bran out of room in the model\S* context"
        r"|\bcontext ?(?:window ?)?overflow|\bcontext[ _](?:length|window)[ _]exceeded"
        r"|\bmaximum context length\b|\bhas hit a token limit\b"
        r"|\bexceeds? the maximum number of (?:input )?tokens"
        r"|\bexceeds? (?:the |its )?(?:model\S* )?(?:effective )?context (?:window|length|limit)",
    ),
    Sign(
        FailureClass.QUOTA,
        "quota_exhausted",
        "quota|credit|limit|balance|recharge|arrear|overdue|capacity|billing",
        r"\bexhausted your (?:\w+ )?quota|\bquota[ _](?:is )?(?:exceeded|exhausted)"
        r"|\bexceeded (?:your|the) (?:current )?quota|\binsufficient[_ ](?:quota|credits?)\b"
        r"|\bcredit balance is too low|\bout of credits?\b"
        r"|\busage limit (?:has been )?(?:reached|exceeded)"
        r"|\b(?:hit|reached|exceeded) your (?:\S+ ){0,3}limit\b|\bbilling (?:hard )?limit"
        r"|\b(?:hour|day|daily|week|weekly|monthly|session|usage|spend(?:ing)?) limit reached\b"
        r"|\binsufficient balance\b|\bbalance is (?:insufficient|too low)\b|\bplease recharge\b"
        r"|\barrearage\b|\baccount ?overdue|\baccount is in good standing\b"
        r"|\bexhausted your capacity\b|\bexceeded[ _](?:your[ _]|the[ _])?current[ _]quota"
        r"|\bplan and billing details\b|\bdaily (?:\S+ )?limit reached\b",
    ),
    Sign(
        FailureClass.QUOTA,
        "rate_limited",
        "limit|too many|exhausted|throttl|reached|concurren|429|qps",
        r"\brate[ _-]?limit(?:s|ed|error|ing|_\w+)?\b|\btoo many requests\b"
        r"|\bresource[ _](?:has been )?exhausted\b|\busage limit\b|\bthrottl(?:ed|ing)\b"
        r"|\bqps (?:\S+ )?limit\b|qpsoverflow"
        r"|\breached (?:the )?(?:max(?:imum)? )?(?:organization )?(?:max(?:imum)? )?"
        r"(?:rpm|tpm|qps|concurrency)\b|\bconcurrency limit\b|" + _status("429"),
    ),
    Sign(
        FailureClass.MODEL_UNAVAILABLE,
        "model_unavailable",
        "model|api version|auth_unavailable|auth provider",
        r"\bmodel_?not_?found|\bis not found for api version\b"
        r"|(?<![\w-])model(?! metadata)\b(?:[^.]|\.\S){0,80}?\b(?:not found|does not exist"
        r"|not available|not enabled|not supported|not authori[sz]ed|access denied"
        r"|decommissioned)\b"
        r"|\b(?:not authori[sz]ed|access denied|no access)\b(?:[^.]|\.\S){0,40}?\bmodel\b"
        r"|\bissue with the selected model\b|\b(?:invalid|no such) model\b"
        r"|\bunknown model\b(?! \S+: using)|\bauth_unavailable\b|\bno auth providers\b",
    ),
    Sign(
        FailureClass.AUTH,
        "not_authenticated",
        "key|auth|log|sign|token|session expired|environment|provider|access denied|401|403",
        r"\b(?:invalid|incorrect|missing|expired)[ _](?:x-)?api[ _-]?key\b|\bapi key not valid\b"
        r"|\bapi[ _]key (?:is |was )?(?:missing|required|invalid|expired|not (?:set|found))\b"
        r"|\bno api[ _]key\b|\bset (?:the |your )?\w+_api_key\b"
        r"|\bapi_key client option must be set\b|\bmust specify the \w+_api_key\b"
        r"|\b(?:missing )?environment variable\b.{0,60}?(?:_key\b|_token\b)"
        r"|\bmissing environment variable\b|\bnot logged in\b|\b(?:please )?run /login\b"
        r"|\b(?:please |must )(?:log|sign) ?in\b|\blog ?in (?:is )?(?:required|expired)\b"
        r"|\bunauthori[sz]ed\b|\bauthentication_?error\b|\bauthentication (?:failed|error)\b"
        r"|\b(?:oauth |access |auth )?token (?:has |is )?expired\b|\bsession expired\b"
        r"|\bno auth type\b|\bno provider configured\b|\baccess denied\b|" + _status("401", "403"),
    ),
    Sign(
        FailureClass.TRANSIENT,
        "server_error",
        "server|overload|demand|unavailable|gateway|status|error|code|http|rejected",
        r"\binternal ?server ?error\b|\boverloaded(?:_error)?\b|\bexperiencing high demand\b"
        r"|\bservice unavailable\b|\btemporarily unavailable\b|\bbad gateway\b"
        r"|\bgateway time-?out\b|\bserver error\b|\bserver had an error\b|"
        + _status("500", "502", "503", "504", "520", "522", "524", "529", "408"),
    ),
    Sign(
        FailureClass.TRANSIENT,
        "network",
        "conn|etime|enotf|eai_|epipe|hang up|fetch|network|resolution|addrinfo|stream|time",
        r"\bconnection ?(?:was |is )?(?:refused|reset|aborted|closed|error|failed"
        r"|timed out|timeout)\b"
        r"|\be(?:connrefused|connreset|connaborted|timedout|notfound|ai_again|pipe)\b"
        r"|\bsocket hang up\b|\bfetch failed\b|\bnetwork (?:error|is unreachable)\b"
        r"|\b(?:dns|name) resolution\b|\bgetaddrinfo\b|\b(?:unable to|could not|can't) connect\b"
        r"|\bstream (?:disconnected|closed|ended without a)\b|\bwaiting for network\b"
        r"|\b(?:request |read )?timed out\b|\btimeout\b",
    ),
    Sign(
        FailureClass.TRANSIENT,
        "busy",
        "lock|busy|txtbsy|in use|eaddrinuse",
        r"\bdatabase (?:\S+ )?is locked\b|\bsqlite_busy\b|\beaddrinuse\b|\btext file busy\b"
        r"|\betxtbsy\b|\baddress already in use\b|\bresource busy\b",
    ),
    Sign(
        FailureClass.TRANSIENT,
        "empty_answer",
        "empty response|without any output",
        r"\b(?:returned|received) (?:an )?empty response\b|\bempty response (?:received|text)\b"
        r"|\bended without any output\b",
    ),
    Sign(
        FailureClass.USAGE,
        "cli_setup",
        "trusted|root|git",
        r"\bnot (?:running )?in(?:side)? a trusted directory\b"
        r"|\bcannot be used with root\b|\bnot a git repository\b",
    ),
    Sign(
        FailureClass.USAGE,
        "bad_flags",
        "option|argument|flag|command|prompt|input|invalid|provide",
        r"\b(?:unknown|unexpected|unrecogni[sz]ed) (?:option|argument|flag|command|subcommand)s?\b"
        r"|\bno such (?:option|command)\b|\binvalid (?:option|argument|--[\w-]+|value for)\b"
        r"|\ba prompt is required\b|\binput must be provided\b|\bno input provided\b"
        r"|\brequires a prompt\b|\bmust provide (?:a message|either)\b",
    ),
    Sign(
        FailureClass.FATAL,
        SESSION_LOST,
        "found|session",
        r"\bno (?:saved )?(?:conversation|session|rollout) found\b|\binvalid session identifier\b"
        r"|\bsession (?:\S+ ){0,2}not found\b|\bno such session\b",
    ),
    Sign(
        FailureClass.FATAL,
        SESSION_IN_USE,
        "in use|lock|another|active|being used|open by",
        r"\bsession (?:id )?(?:\S+ ){0,2}(?:is )?(?:already|currently) in use\b"
        r"|\block(?:ed)? by another\b|\bsession (?:id )?(?:\S+ )?is in use\b"
        r"|\b(?:session|conversation|thread|chat) (?:\S+ ){0,3}"
        r"(?:locked by|open by|in use by|being used by|active (?:in|on|by))\b"
        r"|\banother (?:\S+ ){0,3}(?:instance|process|session) (?:\S+ ){0,2}"
        r"(?:running|using|active|holds)\b|\bfailed to acquire (?:\S+ )?lock\b",
    ),
    Sign(
        FailureClass.FATAL,
        TOOLS_DENIED,
        "permission|approv|reject|denied|declined|proceed",
        r"\binsufficient permission to proceed\b|\btool approval required\b|\bauto-rejecting\b"
        r"|\bauto-(?:denied|rejected)\b|\bdoesn.t want to proceed with this tool use\b"
        r"|\btool (?:use|call) (?:was |has been )?(?:rejected|denied|declined|refused)\b"
        r"|\buser (?:rejected|declined|denied) (?:\S+ ){0,3}(?:tool|permission|call|command)\b"
        r"|\b(?:command|patch|tool) (?:\S+ )?(?:rejected|denied|declined) by (?:the )?user\b"
        r"|\brequires user approval\b|\bcannot (?:prompt|ask) for "
        r"(?:\S+ )?(?:permission|approval)\b",
    ),
    Sign(
        FailureClass.FATAL,
        "max_turns",
        "reached|exceeded",
        r"\b(?:reached|exceeded) (?:the )?max(?:imum)? (?:number of )?(?:session )?turns\b"
        r"|\breached the maximum number of actions\b",
    ),
    Sign(
        FailureClass.FATAL,
        "policy_refused",
        "policy|filter|safety|polic",
        r"\bcontent policy\b|\bcontent_filter\b|\b(?:blocked|flagged) (?:by|for) (?:\S+ )?safety\b"
        r"|\bviolates? (?:our |the )?usage polic",
    ),
)


_FIRST: Final = frozenset({CONTEXT_OVERFLOW, TLS_UNTRUSTED})


def _rank(sign: Sign) -> int:
    return -1 if sign.code in _FIRST else ORDER.index(sign.failure_class)


GENERAL: Final = tuple(sorted((*ABROAD, *_ENGLISH), key=_rank))
