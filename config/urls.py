"""All addresses, one line each; every app brings its own."""

from allauth.account import views as account_views
from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView

FAVICON = f"{settings.STATIC_URL}concord/favicon.svg"

urlpatterns = [
    # Browsers ask for it on pages that name no icon, such as a download or an error.
    path("favicon.ico", RedirectView.as_view(url=FAVICON), name="favicon"),
    path("login/", account_views.login, name="account_login"),
    path("signup/", account_views.signup, name="account_signup"),
    path("logout/", account_views.logout, name="account_logout"),
    path("password/", account_views.password_change, name="account_change_password"),
    path("password/set/", account_views.password_set, name="account_set_password"),
    path("admin/", admin.site.urls),
    path("api/schema", SpectacularAPIView.as_view(), name="api_schema"),
    path("", include("accounts.urls")),
    # Before annotation's: `projects/new/` is no project.
    path("", include("library.urls")),
    path("", include("annotation.urls")),
    path("", include("serving.urls")),
    path("", include("constitution.urls")),
    path("", include("judging.urls")),
    path("", include("exports.urls")),
    path("", include("training.urls")),
]
