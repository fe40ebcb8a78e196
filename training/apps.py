from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "training"

    def ready(self) -> None:
        from accounts.steps import register_steps
        from training.first_steps import FIRST_STEP

        register_steps(FIRST_STEP)
