from django.urls import path

from library.pairs import one

urlpatterns = [
    path("projects/<slug:project_slug>/pairs/<int:pair_id>/", one.pair, name="pair"),
]
