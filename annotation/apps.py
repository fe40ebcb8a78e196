from django.apps import AppConfig


class AnnotationConfig(AppConfig):
    name = "annotation"

    def ready(self) -> None:
        from accounts.signals import member_joined, member_leaving
        from annotation.services.importing import gold_sink, human_label_sink, slot_sink
        from annotation.services.members import release_leaving, seat_member
        from corpus.importers.sinks import register_sink

        for sink in (human_label_sink, gold_sink, slot_sink):
            register_sink(sink)
        member_joined.connect(seat_member)
        member_leaving.connect(release_leaving)
