"""A user's projects; members; invitations: the admin's list, and the page behind a link."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from accounts.adapter import INVITATION_SESSION_KEY
from accounts.errors import InvitationError, MembershipError
from accounts.forms import InvitationForm
from accounts.models import Invitation, Membership, Role
from accounts.permissions import ADMINS, MemberRequest, may_create_projects, member_view
from accounts.services import change_role, remove_member
from accounts.services.invitations import (
    accept_invitation,
    find_invitation,
    invite,
    mail_leaves_here,
    revoke_invitation,
    send_invitation,
)
from corpus.models import Project


@login_required
def home(request: HttpRequest) -> HttpResponse:
    memberships = (
        Membership.objects.filter(user=request.user.pk)
        .select_related("project")
        .order_by("project__name")
    )
    context = {"memberships": memberships, "may_create": may_create_projects(request.user)}
    return render(request, "accounts/home.html", context)


@member_view(ADMINS)
def invitations(request: MemberRequest, project: Project) -> HttpResponseBase:
    """The list, and a form for another. The new link is in this one answer, and nowhere later."""
    form = InvitationForm(request.POST or None)
    link, status = "", 200
    if request.method == "POST":
        status = 400
        if form.is_valid() and isinstance(request.user, User):
            new, token = invite(
                project=project,
                role=Role(form.cleaned_data["role"]),
                email=form.cleaned_data["email"],
                by=request.user,
                now=timezone.now(),
            )
            link, status = request.build_absolute_uri(reverse("invitation", args=[token])), 200
            if new.email:
                mail_invitation(request, new, link)
            form = InvitationForm()
    now = timezone.now()
    rows = project.invitations.select_related("invited_by", "accepted_by").order_by("-id")[:200]
    context = {
        "project": project,
        "tab": "quality",
        "part": "invitations",
        "form": form,
        "link": link,
        "rows": [(row, row.state(now)) for row in rows],
        "members": project.memberships.select_related("user").order_by("user__username"),
        "roles": Role.choices,
    }
    answer = render(request, "accounts/invitations.html", context, status=status)
    if link:
        answer["Cache-Control"] = "no-store"
    return answer


def mail_invitation(request: HttpRequest, invitation: Invitation, link: str) -> None:
    """Mail the link to whom it is for; the page that shows it says whether that went well."""
    if not mail_leaves_here():
        messages.warning(
            request,
            f"No e-mail was sent to {invitation.email}: no mail server is configured (EMAIL_URL). "
            "Copy the link below and send it yourself.",
        )
        return
    try:
        send_invitation(invitation=invitation, link=link)
    except OSError as error:
        messages.warning(
            request,
            f"The e-mail to {invitation.email} could not be sent ({error}). Copy the link below "
            "and send it yourself.",
        )
    else:
        messages.success(request, f"The invitation was sent to {invitation.email}.")


@require_POST
@member_view(ADMINS)
def revoke(request: MemberRequest, project: Project, invitation_id: int) -> HttpResponseBase:
    row = get_object_or_404(Invitation, pk=invitation_id, project=project)
    try:
        revoke_invitation(invitation=row, now=timezone.now())
    except InvitationError as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, "Invitation revoked: its link no longer works.")
    return redirect("invitations", project.slug)


@require_POST
@member_view(ADMINS)
def member_role(request: MemberRequest, project: Project, member_id: int) -> HttpResponseBase:
    def act(member: Membership) -> str:
        wanted = request.POST.get("role", "")
        if wanted not in Role:
            raise MembershipError(f"{wanted[:40]!r} is not a role.")
        changed = change_role(membership=member, role=Role(wanted))
        return f"{member.user} now has the role {changed.get_role_display()}."

    return _change_member(request, project, member_id, act)


@require_POST
@member_view(ADMINS)
def member_remove(request: MemberRequest, project: Project, member_id: int) -> HttpResponseBase:
    def act(member: Membership) -> str:
        remove_member(membership=member)
        return f"{member.user} has been removed from the project; their labels are kept."

    return _change_member(request, project, member_id, act)


def _change_member(
    request: MemberRequest, project: Project, member_id: int, act: Callable[[Membership], str]
) -> HttpResponseBase:
    members = Membership.objects.select_related("user", "project")
    member = get_object_or_404(members, pk=member_id, project=project)
    try:
        if member.user_id == request.user.pk:
            raise MembershipError("You cannot change your own membership; ask another admin.")
        messages.success(request, act(member))
    except MembershipError as error:
        messages.warning(request, str(error))
    return redirect("invitations", project.slug)


@never_cache
@sensitive_variables("token")
def invitation(request: HttpRequest, token: str) -> HttpResponseBase:
    """Behind a link: its secret goes into the session, and the visitor to an address without it.

    So no page whose address is the secret is ever shown: no referrer can carry it, and the forms
    that follow are sent from an address which the browser may name as their origin.
    """
    request.session[INVITATION_SESSION_KEY] = token
    answer = redirect("invitation_accept")
    answer["Referrer-Policy"] = "no-referrer"
    return answer


@never_cache
def accept(request: HttpRequest) -> HttpResponseBase:
    """What the link that was opened leads to, and the way to accept it, with an account or not."""
    token = request.session.get(INVITATION_SESSION_KEY)
    now = timezone.now()
    try:
        if not isinstance(token, str):
            raise InvitationError("Please open your invitation link again.")
        found = find_invitation(token=token, now=now)
        if request.method == "POST" and isinstance(request.user, User):
            accept_invitation(token=token, user=request.user, now=now)
            request.session.pop(INVITATION_SESSION_KEY, None)
            messages.success(request, f"Welcome to {found.project}.")
            return redirect("project", found.project.slug)
    except InvitationError as error:
        request.session.pop(INVITATION_SESSION_KEY, None)
        context: dict[str, object] = {"problem": str(error)}
        return render(request, "accounts/invitation.html", context, status=error.status)
    return render(request, "accounts/invitation.html", {"invitation": found})
