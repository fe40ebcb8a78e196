from django.apps import AppConfig


class AnnotationConfig(AppConfig):
    name = "annotation"

    def ready(self) -> None:
        from accounts.signals import member_joined, member_leaving
        from annotation.services.members import release_leaving, seat_member

        member_joined.connect(seat_member)
        member_leaving.connect(release_leaving)
