"""What is frozen: the filters, validated, written into the manifest as they were resolved."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class SplitSpec(BaseModel):
    """How a dataset is split, by prompt."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    validation: float = Field(0.05, ge=0, lt=1, description="Share of prompts for validation.")
    test: float = Field(0.05, ge=0, lt=1, description="Share of prompts for test.")
    seed: int = Field(0, description="Seed of the split.")

    @model_validator(mode="after")
    def _leave_something_to_train_on(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together must leave a share for train")
        return self


class FreezeFilters(SplitSpec):
    """Which labels and pairs go into a preference dataset, and how it is split."""

    raters: Literal["human", "judge", "both"] = Field(
        "both", description="Whose labels count. Humans override judges if both have labelled."
    )
    include_suspended: bool = Field(False, description="Also count labels of suspended raters.")
    include_uncertified: bool = Field(
        False,
        description="Also count labels of raters, human or judge, who have not passed calibration.",
    )
    consensus: Literal["mean", "majority", "dawid_skene"] = Field(
        "mean",
        description="How a pair's labels are combined: the mean over raters, with humans "
        "overriding judges; the vote shares; or the posterior of the Dawid–Skene model, which "
        "weights raters by their errors. The last two combine humans and judges.",
    )
    min_labels: int = Field(1, ge=1, description="Minimum number of labels per pair.")
    tie_band: float = Field(
        0.05, ge=0, lt=0.5, description="Pairs whose probability is this close to ½ are dropped."
    )
    batch: str | None = Field(None, description="Only pairs from this batch.")
    origin: Literal["import", "sampled", "revision", "round", "edit"] | None = Field(
        None, description="Only pairs with this origin."
    )
    domain: str | None = Field(None, description="Only prompts from this domain.")
    picked: str | None = Field(
        None,
        pattern="^[0-9a-f]{64}$",
        description="sha256 of a set of picked pairs; only these.",
    )


class SftFilters(SplitSpec):
    """Which chains go into an SFT dataset, what is mixed in, and how it is split."""

    runs: tuple[int, ...] = Field(
        min_length=1, description="Critique runs of the project, by number."
    )
    revisions: Literal["last", "all"] = Field(
        "last",
        description="The last revision of each chain, or the revisions of every round, as in "
        "Constitutional AI.",
    )
    untouched: bool = Field(
        False, description="Also include initial answers in which the critique found nothing."
    )
    judged: bool = Field(
        True, description="Leave out chains where a judge or rater prefers the initial answer."
    )
    helpful: str | None = Field(
        None,
        description="sha256 of a preference dataset whose chosen responses are mixed in to "
        "counter evasiveness.",
    )
    helpful_share: float = Field(
        0.5, ge=0, lt=1, description="Share of the rows taken from the helpful dataset."
    )
