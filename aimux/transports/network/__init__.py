"""The network transports; a package of its own because their libraries are imported on demand."""

from aimux.transports._bind import (
    ListenAddress as ListenAddress,
    choose_address as choose_address,
    find_token as find_token,
    in_container as in_container,
    is_set as is_set,
    make_token as make_token,
    require_token as require_token,
)
from aimux.transports._http import (
    Annex as Annex,
    Listening as Listening,
    Site as Site,
    serve_http as serve_http,
)
from aimux.transports._response import (
    OneShotWire as OneShotWire,
    Posted as Posted,
    ResponseStream as ResponseStream,
    Serve as Serve,
    SessionWire as SessionWire,
    StreamWire as StreamWire,
    Wire as Wire,
)
