from django.apps import AppConfig


class JudgingConfig(AppConfig):
    name = "judging"

    def ready(self) -> None:
        from accounts.steps import register_steps
        from constitution.extensions import after_revision, publish_parts, revision_parts
        from corpus.importers.sinks import register_sink
        from corpus.imports.dependants import goes_along, its_own, register_prepare
        from judging.first_steps import FIRST_STEP
        from judging.models import Verdict
        from judging.runs.importing import judge_label_sink, leave_no_empty_judge
        from judging.runs.revision_results import publish_results
        from judging.views.parts import measured_impact, said_by_others

        register_steps(FIRST_STEP)
        goes_along(Verdict, "pair", its_own)
        register_prepare(leave_no_empty_judge)
        register_sink(judge_label_sink)
        after_revision.append(publish_results)
        publish_parts.append(measured_impact)
        revision_parts.append(said_by_others)
