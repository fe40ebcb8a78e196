"""Everything a request may change in annotation, one file a noun."""

from annotation.services.adjudication import (
    bring_back,
    decide,
    dismiss,
    find_adjudications,
    set_aside,
)
from annotation.services.checks import check_rater, check_raters
from annotation.services.claims import claim_next_slot
from annotation.services.gold import answer_gold, restore_gold, retire_gold
from annotation.services.guidelines import (
    acknowledge_guideline,
    publish_guideline,
    unread_guideline,
)
from annotation.services.labels import Judgement, submit_label, undo_last_label
from annotation.services.members import rater_of, rater_seat
from annotation.services.policy import policy_of, wanted_labels
from annotation.services.policy_change import set_policy
from annotation.services.slots import (
    Asked,
    ask_for_labels,
    extend_lease,
    open_slots,
    release_expired_slots,
    release_held,
    skip_slot,
)
from annotation.services.status import reinstate_rater, send_to_calibration, suspend_rater
from annotation.services.withdrawal import restore_pairs, withdraw_pairs

__all__ = [
    "Asked",
    "Judgement",
    "acknowledge_guideline",
    "answer_gold",
    "ask_for_labels",
    "bring_back",
    "check_rater",
    "check_raters",
    "claim_next_slot",
    "decide",
    "dismiss",
    "extend_lease",
    "find_adjudications",
    "open_slots",
    "policy_of",
    "publish_guideline",
    "rater_of",
    "rater_seat",
    "reinstate_rater",
    "release_expired_slots",
    "release_held",
    "restore_gold",
    "restore_pairs",
    "retire_gold",
    "send_to_calibration",
    "set_aside",
    "set_policy",
    "skip_slot",
    "submit_label",
    "suspend_rater",
    "undo_last_label",
    "unread_guideline",
    "wanted_labels",
    "withdraw_pairs",
]
