from django.apps import AppConfig


class ConstitutionConfig(AppConfig):
    name = "constitution"

    def ready(self) -> None:
        from accounts.steps import register_steps
        from constitution.first_steps import FIRST_STEP

        register_steps(FIRST_STEP)
