"""Accounts in Django's admin: projects get their maker as admin; memberships are for looking."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.forms import ModelForm
from django.http import HttpRequest

from accounts.models import Membership, Role
from accounts.services import add_member
from corpus.admin import ProjectAdmin
from corpus.models import Project


class ReadOnlyAdmin(admin.ModelAdmin[Any]):
    """Rows can be looked at, and neither added nor changed nor deleted.

    Lists count no rows beyond the page: on a large table that count costs more than the page.
    """

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


admin.site.unregister(Project)


@admin.register(Project)
class GovernedProjectAdmin(ProjectAdmin):
    """Whoever makes a project is its admin."""

    def save_model(
        self, request: HttpRequest, obj: Project, form: ModelForm[Project], change: bool
    ) -> None:
        super().save_model(request, obj, form, change)
        if not change and isinstance(request.user, User):
            add_member(user=request.user, project=obj, role=Role.ADMIN)


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    """Roles are given by the service that also makes the rater."""

    list_display = ("user", "project", "role", "created_at")
    list_filter = ("project", "role")
    list_select_related = ("user", "project")
    search_fields = ("user__username",)
