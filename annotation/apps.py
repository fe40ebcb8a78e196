from django.apps import AppConfig


class AnnotationConfig(AppConfig):
    name = "annotation"

    def ready(self) -> None:
        from accounts.signals import member_joined, member_leaving
        from accounts.steps import register_steps
        from annotation.first_steps import FIRST_STEPS
        from annotation.services.importing import (
            completion_label_sink,
            gold_sink,
            human_label_sink,
            step_label_sink,
            welcome_pairs,
        )
        from annotation.services.members import release_leaving, seat_member
        from annotation.services.taking_back import register_taking_back
        from corpus.importers.sinks import register_sink, register_welcome

        register_taking_back()
        for sink in (human_label_sink, gold_sink, completion_label_sink, step_label_sink):
            register_sink(sink)
        register_welcome(welcome_pairs)
        register_steps(*FIRST_STEPS)
        member_joined.connect(seat_member)
        member_leaving.connect(release_leaving)
