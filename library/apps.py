from django.apps import AppConfig


class LibraryConfig(AppConfig):
    name = "library"

    def ready(self) -> None:
        from accounts.steps import register_steps
        from library.imports.first_steps import FIRST_STEP

        register_steps(FIRST_STEP)
