"""MCP and JSON-RPC without I/O: five protocol revisions, seen from the server."""

from aimux.protocol._errors import (
    Code as Code,
    Fault as Fault,
    missing_capability as missing_capability,
    resource_not_found as resource_not_found,
    unsupported_version as unsupported_version,
)
from aimux.protocol._events import (
    Answered as Answered,
    AskId as AskId,
    CallCancelled as CallCancelled,
    Called as Called,
    CallId as CallId,
    Client as Client,
    Event as Event,
    Filter as Filter,
    Listening as Listening,
    Notified as Notified,
    Outgoing as Outgoing,
    ProgressToken as ProgressToken,
    Reply as Reply,
    RequestId as RequestId,
)
from aimux.protocol._handshake import Phase as Phase
from aimux.protocol._http import (
    LOCAL_HOSTS as LOCAL_HOSTS,
    Accepts as Accepts,
    Headers as Headers,
    HttpFacts as HttpFacts,
    Rejection as Rejection,
    cancelled_body as cancelled_body,
    judge_post as judge_post,
    judge_source as judge_source,
    oversize_body as oversize_body,
    read_accept as read_accept,
    status_of as status_of,
)
from aimux.protocol._lines import (
    MAX_LINE_BYTES as MAX_LINE_BYTES,
    LineReader as LineReader,
    Oversize as Oversize,
    Refused as Refused,
    refuse_at_relay as refuse_at_relay,
)
from aimux.protocol._methods import TASKS_EXTENSION as TASKS_EXTENSION, Offer as Offer
from aimux.protocol._peer import Peer as Peer, PeerStatistics as PeerStatistics
from aimux.protocol._revisions import (
    HANDSHAKE_VERSIONS as HANDSHAKE_VERSIONS,
    LATEST_HANDSHAKE as LATEST_HANDSHAKE,
    MODERN as MODERN,
    REVISIONS as REVISIONS,
    VERSIONS as VERSIONS,
    Revision as Revision,
)
from aimux.protocol._roots import read_roots as read_roots
from aimux.protocol._sealed import Seal as Seal, SealBroken as SealBroken
from aimux.protocol._shapes import (
    Json as Json,
    ServerInfo as ServerInfo,
    input_required as input_required,
)
from aimux.protocol._sse import (
    encode_comment as encode_comment,
    encode_event as encode_event,
)
from aimux.protocol._tasks import (
    Task as Task,
    TaskStatus as TaskStatus,
    TaskSupport as TaskSupport,
    judge_cancel as judge_cancel,
    judge_task as judge_task,
    related as related,
    render_cancelled as render_cancelled,
    render_created as render_created,
    render_notice as render_notice,
    render_result as render_result,
    render_state as render_state,
    render_task as render_task,
    unknown_task as unknown_task,
)
from aimux.protocol._unread import Unread as Unread, unread_of as unread_of
