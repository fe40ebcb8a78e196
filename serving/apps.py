from django.apps import AppConfig


class ServingConfig(AppConfig):
    name = "serving"

    def ready(self) -> None:
        from accounts.steps import register_steps
        from serving.first_steps import FIRST_STEP

        register_steps(FIRST_STEP)
