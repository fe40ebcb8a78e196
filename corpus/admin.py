"""The corpus in Django's admin: projects can be named and described, the rest is for looking."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from corpus.models import Completion, ModelVersion, Pair, Project, Prompt


class ReadOnlyAdmin(admin.ModelAdmin[Any]):
    """Rows can be looked at: labels and datasets refer to their very content.

    Lists count no rows beyond the page: on a large table that count costs more than the page.
    """

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Project)
class ProjectAdmin(admin.ModelAdmin[Project]):
    list_display = ("name", "slug", "created_at")
    search_fields = ("name", "slug")
    readonly_fields = ("created_at",)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Project | None = None
    ) -> tuple[str, ...]:
        # Addresses, datasets and scripts name a project by its slug.
        return ("created_at",) if obj is None else ("slug", "created_at")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Prompt)
class PromptAdmin(ReadOnlyAdmin):
    list_display = ("id", "project", "__str__", "source", "domain", "sensitive")
    list_filter = ("project", "sensitive")
    list_select_related = ("project",)
    search_fields = ("=sha256",)


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    list_display = ("name", "project", "kind", "sandbox", "created_at")
    list_filter = ("project", "kind", "sandbox")
    list_select_related = ("project",)
    search_fields = ("name", "=weights_sha256")


@admin.register(Completion)
class CompletionAdmin(ReadOnlyAdmin):
    list_display = ("id", "prompt_id", "model_version", "__str__", "token_count")
    list_filter = ("prompt__project",)
    list_select_related = ("model_version",)
    search_fields = ("=sha256",)


@admin.register(Pair)
class PairAdmin(ReadOnlyAdmin):
    list_display = ("id", "project", "external_id", "origin", "batch", "priority")
    list_filter = ("project", "origin")
    list_select_related = ("project",)
    search_fields = ("=external_id", "=sha256")
