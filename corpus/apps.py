from django.apps import AppConfig


class CorpusConfig(AppConfig):
    name = "corpus"

    def ready(self) -> None:
        from corpus.imports.dependants import everything, goes_along, its_own
        from corpus.models import Demonstration, PairWords, PromptOriginal

        goes_along(PairWords, "pair", everything)
        goes_along(PromptOriginal, "prompt", everything)
        goes_along(Demonstration, "completion", its_own)
