"""Everything a request may change in annotation, one file a noun."""

from annotation.services.labels import Judgement, submit_label, undo_last_label
from annotation.services.members import add_member, rater_of
from annotation.services.slots import (
    claim_next_slot,
    extend_lease,
    open_slots,
    release_expired_slots,
    skip_slot,
)

__all__ = [
    "Judgement",
    "add_member",
    "claim_next_slot",
    "extend_lease",
    "open_slots",
    "rater_of",
    "release_expired_slots",
    "skip_slot",
    "submit_label",
    "undo_last_label",
]
