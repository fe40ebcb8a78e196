"""How far raters agree beyond chance. Pure functions of counts; docs/agreement.md says which when.

Every coefficient comes with the number of units behind it and a 95 % interval; where it is not
defined it is None with a reason, never 0 or 1.
"""

from annotation.agreement.coefficient import ONE_CATEGORY, ONE_SIDED, Coefficient
from annotation.agreement.many_raters import (
    fleiss_kappa,
    gwet_ac1,
    krippendorff_alpha,
    raw_agreement,
)
from annotation.agreement.prevalence import Prevalence, prevalence_of, prevalences_of
from annotation.agreement.scale import place_of
from annotation.agreement.two_raters import (
    ac1_of_two,
    agreement_of_two,
    cohen_kappa,
    cohen_kappas,
)

__all__ = [
    "ONE_CATEGORY",
    "ONE_SIDED",
    "Coefficient",
    "Prevalence",
    "ac1_of_two",
    "agreement_of_two",
    "cohen_kappa",
    "cohen_kappas",
    "fleiss_kappa",
    "gwet_ac1",
    "krippendorff_alpha",
    "place_of",
    "prevalence_of",
    "prevalences_of",
    "raw_agreement",
]
