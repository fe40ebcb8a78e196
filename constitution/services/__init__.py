"""versions   drafts are made, published once, retired; the hash of a text
drafts     a draft is edited, by several at once, with every change written down
revisions  critique–revise runs are launched, bad chains marked
"""

from constitution.services.drafts import (
    Conflict,
    add_principle,
    discard_draft,
    draft_from,
    duplicate_principle,
    edit_principle,
    move_principle,
    remove_principle,
    replace_few_shots,
    replace_principles,
    write_comment,
)
from constitution.services.revisions import launch_revision_run, mark_chain
from constitution.services.texts import (
    Example,
    FewShots,
    PrincipleText,
    fields_of,
    text_of,
    texts_of,
)
from constitution.services.versions import (
    create_draft,
    publish_version,
    retire_version,
    version_sha256,
)

__all__ = [
    "Conflict",
    "Example",
    "FewShots",
    "PrincipleText",
    "add_principle",
    "create_draft",
    "discard_draft",
    "draft_from",
    "duplicate_principle",
    "edit_principle",
    "fields_of",
    "launch_revision_run",
    "mark_chain",
    "move_principle",
    "publish_version",
    "remove_principle",
    "replace_few_shots",
    "replace_principles",
    "retire_version",
    "text_of",
    "texts_of",
    "version_sha256",
    "write_comment",
]
