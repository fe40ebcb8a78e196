"""How a judge judges, as one validated value; what it is, is part of the judge's identity."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from judging.errors import BadSettingsError

Mode = Literal["direct", "reasoned", "verifier", "jury"]
Policy = Literal["ensemble", "one_drawn", "together"]
Text = Annotated[str, Field(min_length=1, max_length=100_000)]

MOST_FEW_SHOTS = 16


class FewShot(BaseModel):
    """A comparison shown before the question, with its right answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: Text
    response_a: str = Field(max_length=100_000)
    response_b: str = Field(max_length=100_000)
    better: Literal["a", "b"]
    reasoning: str = Field("", max_length=20_000, description="Only for reasoned judges.")


class JudgeSettings(BaseModel):
    """Every setting of a judge but its constitution, its model and its tie band.

    `mode`: direct reads the probabilities of A and B; reasoned has the model write its reasoning
    first; verifier asks the constitution's programs and no model; jury combines other judges.

    `principles`: ensemble averages over `ensemble_size` principles a pair (all of them by weight
    where it is 0, else so many drawn by weight); one_drawn draws a single one a pair, as
    Constitutional AI did; together puts all into one prompt.

    Source: Bai et al. 2022 (arXiv 2212.08073, §4.1: one principle drawn per comparison; with
        reasoning, probabilities are clamped to 40 to 60 percent); Lee et al. 2023 (arXiv
        2309.00267, §2.1: both orders averaged).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    mode: Mode = "direct"
    principles: Policy = "ensemble"
    ensemble_size: int = Field(
        0, ge=0, le=64, description="Number of principles; 0 uses all of them, by weight."
    )
    orders: Literal["both", "one"] = Field(
        "both", description="Ask in both orders, or in one drawn at random for each pair."
    )
    samples: int = Field(1, ge=1, le=32, description="Reasoning samples per question.")
    temperature: float = Field(
        1.0, ge=0, le=5, description="Sampling temperature of the reasoning; 0 is greedy."
    )
    max_tokens: int = Field(512, ge=1, le=32_768, description="Maximum tokens of the reasoning.")
    clamp: tuple[float, float] | None = Field(
        None, description="Bounds for label probabilities; (0.4, 0.6) for reasoned judges."
    )
    contradiction: float = Field(
        0.9,
        gt=0,
        le=1,
        description="Abstain where the orders name different winners and their probabilities are "
        "further apart than this.",
    )
    least_mass: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Verdicts whose options got less probability than this are unreadable.",
    )
    use_reference: bool = Field(
        False, description="Show the prompt's reference answer; pairs without one are not scored."
    )
    few_shots: tuple[FewShot, ...] = Field((), max_length=MOST_FEW_SHOTS)
    combine: Literal["mean", "majority"] = Field(
        "mean", description="For a jury: the mean of the probabilities, or the share of votes."
    )

    @model_validator(mode="before")
    @classmethod
    def _clamp_reasoned(cls, values: object) -> object:
        if isinstance(values, dict) and values.get("mode") == "reasoned" and "clamp" not in values:
            return {**values, "clamp": (0.4, 0.6)}
        return values

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.ensemble_size and self.principles != "ensemble":
            raise ValueError(
                "ensemble_size only applies when principles is ensemble: leave it 0, or change "
                "principles"
            )
        if self.mode != "reasoned" and self.samples > 1:
            raise ValueError(
                f"samples is {self.samples}, but without reasoning all samples are the same: "
                f"use 1, or set mode to reasoned"
            )
        if self.mode == "reasoned" and self.samples > 1 and self.temperature == 0:
            raise ValueError(
                "samples at temperature 0 are all the same: use 1, or raise the temperature"
            )
        if self.mode == "verifier" and self.principles == "together":
            raise ValueError("verifiers run one at a time: principles cannot be together")
        if self.clamp is not None and not 0 <= self.clamp[0] < 0.5 < self.clamp[1] <= 1:
            raise ValueError("clamp needs a lower bound below and an upper bound above one half")
        return self

    def words(self) -> str:
        """What is not as usual, short: part of a judge's name. Empty for the usual judge."""
        usual = JudgeSettings(mode=self.mode)
        said: list[str] = [] if self.mode == "direct" else [self.mode]
        if self.principles == "one_drawn":
            said.append("one principle drawn")
        elif self.principles == "together":
            said.append("all principles together")
        elif self.ensemble_size:
            said.append(f"{self.ensemble_size} principles drawn")
        if self.orders == "one":
            said.append("one order")
        said += [
            f"{name.replace('_', ' ')} {getattr(self, name):g}"
            for name in ("samples", "temperature", "max_tokens", "contradiction", "least_mass")
            if getattr(self, name) != getattr(usual, name)
        ]
        if self.clamp != usual.clamp:
            said.append(
                "unclamped" if self.clamp is None else f"clamp {self.clamp[0]:g}–{self.clamp[1]:g}"
            )
        if self.use_reference:
            said.append("with reference")
        if self.few_shots:
            said.append(f"{len(self.few_shots)} few-shots")
        if self.combine != usual.combine:
            said.append(self.combine)
        return ", ".join(said)


def read_settings(values: object) -> JudgeSettings:
    """The settings that these values describe.

    Raises BadSettingsError, which names the field, what is wrong and what would be right.
    """
    try:
        return JudgeSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        said = str(first["msg"]).removeprefix("Value error, ")
        raise BadSettingsError(f"{where}: {said}" if where else said) from error
