from django.urls import path

from accounts import views
from accounts.api import invitations as api
from accounts.api import members as api_members

API = "api/projects/<slug:project_slug>/"

urlpatterns = [
    path("", views.home, name="home"),
    path("invitations/", views.accept, name="invitation_accept"),
    path("invitations/<str:token>/", views.invitation, name="invitation"),
    path("projects/<slug:project_slug>/invitations/", views.invitations, name="invitations"),
    path(
        "projects/<slug:project_slug>/invitations/<int:invitation_id>/revoke",
        views.revoke,
        name="invitation_revoke",
    ),
    path(
        "projects/<slug:project_slug>/members/<int:member_id>/role",
        views.member_role,
        name="member_role",
    ),
    path(
        "projects/<slug:project_slug>/members/<int:member_id>/remove",
        views.member_remove,
        name="member_remove",
    ),
    path(API + "members", api_members.Members.as_view(), name="api_members"),
    path(API + "members/<str:username>", api_members.OneMember.as_view(), name="api_member"),
    path(API + "invitations", api.Invitations.as_view(), name="api_invitations"),
    path(
        API + "invitations/<int:invitation_id>/revoke",
        api.InvitationRevocation.as_view(),
        name="api_invitation_revoke",
    ),
]
