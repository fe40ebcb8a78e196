"""A rater's own version of the better response: a third completion, preferred to the chosen."""

from __future__ import annotations

from annotation.errors import InvalidLabelError
from annotation.models import Choice, Label
from corpus.intake.identity import MASK
from corpus.models import Pair
from corpus.writing import Answer, NewPair, write_pairs


def store_edit(*, label: Label, text: str) -> Label:
    """Store `text` as a completion, its pair with the chosen response, and the label that prefers
    it: edited ≻ chosen, as the label itself says chosen ≻ rejected.

    Call inside a transaction. InvalidLabelError when the text is the chosen response unchanged.
    """
    pair = Pair.objects.select_related("project", "prompt", "first", "second").get(pk=label.pair_id)
    chosen = pair.first if label.choice == Choice.FIRST else pair.second
    edited = text.replace("\r\n", "\n")
    if edited.strip() == chosen.text.strip():
        raise InvalidLabelError(
            "The edited response is identical to the better one; nothing was saved."
        )
    if MASK in edited:
        raise InvalidLabelError(
            f"The edited response still contains {MASK}, where a name was hidden from you: "
            "replace or delete it."
        )
    stored = write_pairs(
        project=pair.project,
        pairs=[
            NewPair(
                prompt=pair.prompt.messages,
                a=Answer(edited, sampling={"edited_from": chosen.sha256}),
                b=Answer(chosen.text, chosen.model_version, chosen.sampling),
            )
        ],
        origin=Pair.Origin.EDIT,
        batch="edits",
    )[0]
    return Label.objects.create(
        project_id=label.project_id,
        pair=stored.pair,
        rater_id=label.rater_id,
        kind=Label.Kind.EDIT,
        choice=Choice.FIRST if stored.a_is_first else Choice.SECOND,
        derived_from=label,
        guideline_id=label.guideline_id,
        created_at=label.created_at,
    )
