from django.apps import AppConfig


class JudgingConfig(AppConfig):
    name = "judging"

    def ready(self) -> None:
        from corpus.importers.sinks import register_sink
        from judging.runs.importing import judge_label_sink

        register_sink(judge_label_sink)
