"""Decisions about several seats: who sits, what was answered, what is counted."""

from ._alike import are_alike as are_alike, group_alike as group_alike, read_stance as read_stance
from ._cited import EVIDENCE_SCHEMA as EVIDENCE_SCHEMA, read_places as read_places
from ._consensus import (
    MEMBER_SCHEMA as MEMBER_SCHEMA,
    Claim as Claim,
    Position as Position,
    evidence_json as evidence_json,
    places_of as places_of,
    read_position as read_position,
    with_evidence as with_evidence,
)
from ._consensus_prompts import (
    QUOTED as QUOTED,
    SYNTHESIS_SCHEMA as SYNTHESIS_SCHEMA,
    informed_prompt as informed_prompt,
    member_prompt as member_prompt,
    synthesis_prompt as synthesis_prompt,
)
from ._consensus_report import (
    ConsensusRecord as ConsensusRecord,
    Seated as Seated,
    SynthesisRecord as SynthesisRecord,
    report_consensus as report_consensus,
)
from ._heard import is_worth_asking_again as is_worth_asking_again, lost_reason as lost_reason
from ._panel import (
    Member as Member,
    Panel as Panel,
    draw_seed as draw_seed,
    lettered as lettered,
    member_of as member_of,
    seat_chosen as seat_chosen,
    seat_named as seat_named,
    seat_outsider as seat_outsider,
    shuffled as shuffled,
)
from ._tally import (
    Ballot as Ballot,
    Group as Group,
    Tally as Tally,
    is_decided as is_decided,
    plain_answer as plain_answer,
    tally as tally,
)
from ._vendors import vendor_of as vendor_of
