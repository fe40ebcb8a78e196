"""Rater operations and quality control over REST: what the pages do, with pages and filters."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError as ModelError
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import services
from annotation.api import ErrorOutput, rater_in, read_input
from annotation.consensus_selectors import CHOICES, METHODS, consensus_of
from annotation.models import (
    Adjudication,
    Choice,
    GoldPair,
    Guideline,
    Invitation,
    Label,
    Membership,
    QualityPolicy,
    Rater,
    RaterCheck,
    Role,
    StatusChange,
)
from annotation.permissions import (
    ADMINS,
    LABELLERS,
    READERS,
    SENIORS,
    membership_in,
)
from annotation.progress import forecast, labelled_by
from annotation.rater_figures import RaterFigures, rater_figures
from annotation.services.adjudication import shown_first_left
from annotation.services.agreement import agreement_now
from annotation.services.invitations import invite, revoke_invitation, send_invitation
from annotation.services.labels import ON_SCREEN
from annotation.views.agreement import PARTS
from annotation.views.quality import STRATA
from corpus.intake import intake_policy, set_intake_policy
from corpus.models import IntakePolicy, Pair, Project

REFUSED = OpenApiResponse(ErrorOutput, description="Refused; nothing was changed.")


class Pages(LimitOffsetPagination):
    default_limit = 50
    max_limit = 1000


class ProjectView(APIView):
    """An operation within a project, for the roles named."""

    roles: ClassVar[frozenset[Role]] = READERS
    change_roles: ClassVar[frozenset[Role]] = ADMINS

    def member(self, request: Request, project_slug: str) -> Membership:
        reading = request.method in ("GET", "HEAD", "OPTIONS")
        return membership_in(
            request.user, project_slug, self.roles if reading else self.change_roles
        )

    def project(self, request: Request, project_slug: str) -> Project:
        return self.member(request, project_slug).project


class ListOf(ProjectView):
    """A page of rows. `limit` and `offset` choose the page; `filters` name what can be asked."""

    output: ClassVar[type[serializers.BaseSerializer[Any]]]
    filters: ClassVar[type[serializers.Serializer[Any]]] = serializers.Serializer

    def rows(self, project: Project, wanted: dict[str, Any]) -> QuerySet[Any]:
        raise NotImplementedError

    def answer(self, request: Request, project: Project) -> Response:
        asked = self.filters(data=request.query_params)
        asked.is_valid(raise_exception=True)
        pages = Pages()
        page = pages.paginate_queryset(self.rows(project, dict(asked.validated_data)), request)
        return pages.get_paginated_response(self.output(page, many=True).data)


PAGED = [
    OpenApiParameter("limit", int, description="Rows a page, 1 to 1000; 50 without."),
    OpenApiParameter("offset", int, description="Rows to leave out before."),
]


class PolicyInput(serializers.ModelSerializer[QualityPolicy]):
    class Meta:
        model = QualityPolicy
        exclude = ("id", "project", "labels_seen", "skips_seen", "updated_at")


class IntakeInput(serializers.ModelSerializer[IntakePolicy]):
    class Meta:
        model = IntakePolicy
        exclude = ("id", "project")


class Policy(ProjectView):
    @extend_schema(responses=PolicyInput)
    def get(self, request: Request, project_slug: str) -> Response:
        """The project's quality policy."""
        return Response(
            PolicyInput(services.policy_of(self.project(request, project_slug).pk)).data
        )

    @extend_schema(request=PolicyInput, responses={200: PolicyInput, 400: REFUSED})
    def patch(self, request: Request, project_slug: str) -> Response:
        """Change the fields named; the others stay."""
        project = self.project(request, project_slug)
        form = PolicyInput(services.policy_of(project.pk), data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        try:
            policy = services.set_policy(project=project, changes=form.validated_data)
        except ModelError as error:
            raise ValidationError(error.message_dict) from error
        return Response(PolicyInput(policy).data)


class Intake(ProjectView):
    @extend_schema(responses=IntakeInput)
    def get(self, request: Request, project_slug: str) -> Response:
        """What happens to prompts and completions on their way in."""
        return Response(IntakeInput(intake_policy(self.project(request, project_slug).pk)).data)

    @extend_schema(request=IntakeInput, responses={200: IntakeInput, 400: REFUSED})
    def patch(self, request: Request, project_slug: str) -> Response:
        """Change the fields named; what is there already is gone through in the background."""
        project = self.project(request, project_slug)
        form = IntakeInput(intake_policy(project.pk), data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        policy = set_intake_policy(
            project=project, changes=form.validated_data, user=_user(request)
        )
        return Response(IntakeInput(policy).data)


class CoefficientOutput(serializers.Serializer[Any]):
    value = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)


class RaterOutput(serializers.Serializer[RaterFigures]):
    id = serializers.IntegerField(source="rater.pk")
    name = serializers.CharField(source="rater.name")
    kind = serializers.CharField(source="rater.kind")
    status = serializers.CharField(source="rater.status")
    status_reason = serializers.CharField(source="rater.status_reason")
    labels = serializers.IntegerField()
    gold = CoefficientOutput()
    gold_accuracy = serializers.FloatField(allow_null=True)
    self_consistency = serializers.FloatField(allow_null=True)
    median_seconds = serializers.FloatField(source="habits.median_seconds", allow_null=True)
    left_share = serializers.FloatField(allow_null=True)
    flags = serializers.ListField(child=serializers.CharField())
    trend = serializers.ListField(child=serializers.FloatField())


class RaterFilter(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=Rater.Status.choices, required=False)
    kind = serializers.ChoiceField(choices=Rater.Kind.choices, required=False)


class Raters(ProjectView):
    roles = SENIORS

    @extend_schema(parameters=[RaterFilter, *PAGED], responses=RaterOutput(many=True))
    def get(self, request: Request, project_slug: str) -> Response:
        """Raters with their figures."""
        project = self.project(request, project_slug)
        asked = RaterFilter(data=request.query_params)
        asked.is_valid(raise_exception=True)
        pages = Pages()
        rows = Rater.objects.filter(project=project, **asked.validated_data)
        page = pages.paginate_queryset(rows.order_by("kind", "name"), request) or []
        return pages.get_paginated_response(
            [RaterOutput(one).data for one in rater_figures(project, list(page))]
        )


class CheckOutput(serializers.ModelSerializer[RaterCheck]):
    class Meta:
        model = RaterCheck
        exclude = ("rater", "newest_label")


class ChangeOutput(serializers.ModelSerializer[StatusChange]):
    class Meta:
        model = StatusChange
        exclude = ("rater",)


class RaterDetailOutput(RaterOutput):
    checks = serializers.SerializerMethodField()
    changes = serializers.SerializerMethodField()

    def get_checks(self, figures: RaterFigures) -> list[dict[str, Any]]:
        return list(CheckOutput(figures.rater.checks.order_by("-id")[:100], many=True).data)

    def get_changes(self, figures: RaterFigures) -> list[dict[str, Any]]:
        rows = figures.rater.status_changes.order_by("-id")[:100]
        return list(ChangeOutput(rows, many=True).data)


class OneRater(ProjectView):
    roles = SENIORS

    @extend_schema(responses=RaterDetailOutput)
    def get(self, request: Request, project_slug: str, rater_id: int) -> Response:
        """A rater's figures, looks and history."""
        project = self.project(request, project_slug)
        row = get_object_or_404(Rater, pk=rater_id, project=project)
        return Response(RaterDetailOutput(rater_figures(project, [row])[0]).data)


class ReasonInput(serializers.Serializer[Any]):
    action = serializers.ChoiceField(choices=["suspend", "reinstate", "calibrate"])
    reason = serializers.CharField(max_length=500)


class RaterStatus(ProjectView):
    @extend_schema(request=ReasonInput, responses={200: RaterDetailOutput, 409: REFUSED})
    def post(self, request: Request, project_slug: str, rater_id: int) -> Response:
        """Suspend, reinstate or send to calibration, with a reason that the rater reads."""
        project = self.project(request, project_slug)
        row = get_object_or_404(Rater, pk=rater_id, project=project)
        asked = read_input(ReasonInput, request)
        change = {
            "suspend": services.suspend_rater,
            "reinstate": services.reinstate_rater,
            "calibrate": services.send_to_calibration,
        }[asked["action"]]
        change(rater=row, reason=asked["reason"], actor=_user(request))  # type: ignore[operator]
        row.refresh_from_db()
        return Response(RaterDetailOutput(rater_figures(project, [row])[0]).data)


class LabelRow(serializers.ModelSerializer[Label]):
    rater_name = serializers.CharField(source="rater.name")
    rater_kind = serializers.CharField(source="rater.kind")
    rater_status = serializers.CharField(source="rater.status")

    class Meta:
        model = Label
        fields = (
            *("id", "pair", "rater", "rater_name", "rater_kind", "rater_status", "kind", "choice"),
            *("strength", "p_first", "criteria", "comment", "first_was_left", "seconds"),
            *("guideline", "created_at"),
        )


class LabelFilter(serializers.Serializer[Any]):
    rater = serializers.IntegerField(required=False)
    pair = serializers.IntegerField(required=False)
    kind = serializers.ChoiceField(choices=Label.Kind.choices, required=False)
    choice = serializers.ChoiceField(choices=Choice.choices, required=False)
    since = serializers.DateTimeField(required=False)


class Labels(ListOf):
    output = LabelRow
    filters = LabelFilter

    @extend_schema(parameters=[LabelFilter, *PAGED], responses=LabelRow(many=True))
    def get(self, request: Request, project_slug: str) -> Response:
        """The labels that count now, newest first."""
        return self.answer(request, self.project(request, project_slug))

    def rows(self, project: Project, wanted: dict[str, Any]) -> QuerySet[Any]:
        since = wanted.pop("since", None)
        rows = Label.objects.effective().filter(project=project, **wanted)
        if since is not None:
            rows = rows.filter(created_at__gte=since)
        return rows.select_related("rater").order_by("-id")


class GoldRow(serializers.ModelSerializer[GoldPair]):
    choice = serializers.SerializerMethodField(help_text="Empty until the pair is settled.")

    class Meta:
        model = GoldPair
        fields = ("pair", "state", "choice", "settled_at", "created_at")

    def get_choice(self, row: GoldPair) -> str:
        shown = (GoldPair.State.SETTLED, GoldPair.State.RETIRED)
        return row.choice if row.state in shown else ""


class GoldFilter(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=GoldPair.State.choices, required=False)


class Gold(ListOf):
    roles = SENIORS
    output = GoldRow
    filters = GoldFilter

    @extend_schema(parameters=[GoldFilter, *PAGED], responses=GoldRow(many=True))
    def get(self, request: Request, project_slug: str) -> Response:
        """The gold pairs, newest first."""
        return self.answer(request, self.project(request, project_slug))

    def rows(self, project: Project, wanted: dict[str, Any]) -> QuerySet[Any]:
        return GoldPair.objects.filter(project=project, **wanted).order_by("-id")


class GoldInput(serializers.Serializer[Any]):
    choice = serializers.ChoiceField(choices=Choice.choices, help_text="Of the pair's own order.")
    note = serializers.CharField(required=False, allow_blank=True)


class GoldAnswers(ProjectView):
    change_roles = SENIORS

    @extend_schema(request=GoldInput, responses={201: GoldRow, 409: REFUSED})
    def post(self, request: Request, project_slug: str, pair_id: int) -> Response:
        """A senior's answer. It settles the pair when enough seniors say the same."""
        project = self.project(request, project_slug)
        pair = get_object_or_404(Pair, pk=pair_id, project=project)
        asked = read_input(GoldInput, request)
        row = services.answer_gold(pair=pair, author=_user(request), **asked)
        return Response(GoldRow(row).data, status=status.HTTP_201_CREATED)


class GoldRetirement(ProjectView):
    @extend_schema(request=None, responses={200: GoldRow, 409: REFUSED})
    def post(self, request: Request, project_slug: str, pair_id: int) -> Response:
        """Raters do not meet the pair as gold any more."""
        project = self.project(request, project_slug)
        row = get_object_or_404(GoldPair, pair=pair_id, project=project)
        services.retire_gold(gold=row)
        row.refresh_from_db()
        return Response(GoldRow(row).data)


class AdjudicationRow(serializers.ModelSerializer[Adjudication]):
    class Meta:
        model = Adjudication
        exclude = ("project",)


class AdjudicationFilter(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=Adjudication.State.choices, required=False)
    reason = serializers.ChoiceField(choices=Adjudication.Reason.choices, required=False)


class Adjudications(ListOf):
    roles = SENIORS
    output = AdjudicationRow
    filters = AdjudicationFilter

    @extend_schema(parameters=[AdjudicationFilter, *PAGED], responses=AdjudicationRow(many=True))
    def get(self, request: Request, project_slug: str) -> Response:
        """Pairs for seniors to decide, oldest first."""
        return self.answer(request, self.project(request, project_slug))

    def rows(self, project: Project, wanted: dict[str, Any]) -> QuerySet[Any]:
        return Adjudication.objects.filter(project=project, **wanted).order_by("id")


class DecisionInput(serializers.Serializer[Any]):
    action = serializers.ChoiceField(choices=["decide", "dismiss", "set_aside"])
    choice = serializers.ChoiceField(
        choices=ON_SCREEN, required=False, help_text="With decide: of the sides as `left` says."
    )
    note = serializers.CharField(required=False, allow_blank=True, max_length=5000)


class OneAdjudication(ProjectView):
    roles = SENIORS
    change_roles = SENIORS

    @extend_schema(responses=AdjudicationRow)
    def get(self, request: Request, project_slug: str, row_id: int) -> Response:
        """One pair for a senior, with the side on which its first completion stands for them."""
        member = self.member(request, project_slug)
        row = get_object_or_404(Adjudication, pk=row_id, project=member.project)
        left = shown_first_left(row, services.rater_of(member))
        return Response(AdjudicationRow(row).data | {"left": "first" if left else "second"})

    @extend_schema(request=DecisionInput, responses={200: AdjudicationRow, 409: REFUSED})
    def post(self, request: Request, project_slug: str, row_id: int) -> Response:
        """Decide, dismiss or set aside."""
        member = self.member(request, project_slug)
        row = get_object_or_404(Adjudication, pk=row_id, project=member.project)
        asked = read_input(DecisionInput, request)
        rater, note = services.rater_of(member), asked.get("note", "")
        if asked["action"] == "dismiss":
            services.dismiss(adjudication=row, rater=rater, note=note)
        elif asked["action"] == "set_aside":
            services.set_aside(adjudication=row, rater=rater, note=note)
        else:
            services.decide(
                adjudication=row,
                rater=rater,
                judgement=services.Judgement(pressed=asked.get("choice", ""), comment=note),
                first_is_left=shown_first_left(row, rater),
                note=note,
            )
        row.refresh_from_db()
        return Response(AdjudicationRow(row).data)


class GuidelineRow(serializers.ModelSerializer[Guideline]):
    class Meta:
        model = Guideline
        fields = ("number", "text", "sha256", "created_at")


class GuidelineInput(serializers.Serializer[Any]):
    text = serializers.CharField(trim_whitespace=False)


class Guidelines(ListOf):
    roles = frozenset(Role)
    output = GuidelineRow

    @extend_schema(parameters=PAGED, responses=GuidelineRow(many=True))
    def get(self, request: Request, project_slug: str) -> Response:
        """The versions of the guideline, newest first."""
        return self.answer(request, self.project(request, project_slug))

    @extend_schema(request=GuidelineInput, responses={201: GuidelineRow, 409: REFUSED})
    def post(self, request: Request, project_slug: str) -> Response:
        """Publish the next version."""
        project = self.project(request, project_slug)
        new = services.publish_guideline(
            project=project, text=read_input(GuidelineInput, request)["text"]
        )
        return Response(GuidelineRow(new).data, status=status.HTTP_201_CREATED)

    def rows(self, project: Project, wanted: dict[str, Any]) -> QuerySet[Any]:
        return project.guidelines.order_by("-number")


class GuidelineRead(ProjectView):
    change_roles = LABELLERS

    @extend_schema(request=None, responses={204: None, 409: REFUSED})
    def post(self, request: Request, project_slug: str, number: int) -> Response:
        """The rater has read this version."""
        services.acknowledge_guideline(rater=rater_in(request, project_slug), number=number)
        return Response(status=status.HTTP_204_NO_CONTENT)


class AgreementFilter(serializers.Serializer[Any]):
    by = serializers.ChoiceField(choices=PARTS, required=False)


class Agreement(ProjectView):
    @extend_schema(parameters=[AgreementFilter], responses={200: dict})
    def get(self, request: Request, project_slug: str) -> Response:
        """All coefficients as counted last; with `by`, part by part."""
        asked = AgreementFilter(data=request.query_params)
        asked.is_valid(raise_exception=True)
        project = self.project(request, project_slug)
        snapshot, complete = agreement_now(project=project, now=timezone.now())
        by = asked.validated_data.get("by")
        return Response(
            {
                "counted_at": snapshot.created_at,
                "complete": complete,
                **({"parts": snapshot.parts[by]} if by else {"report": snapshot.report}),
            }
        )


class ConsensusFilter(serializers.Serializer[Any]):
    method = serializers.ChoiceField(choices=sorted(METHODS), default="majority")
    kinds = serializers.ChoiceField(choices=["human", "judge", "both"], default="both")


class ConsensusRow(serializers.Serializer[Any]):
    pair = serializers.IntegerField()
    choice = serializers.CharField()
    confidence = serializers.FloatField()
    distribution = serializers.DictField(child=serializers.FloatField())


class ConsensusOfAll(ProjectView):
    @extend_schema(parameters=[ConsensusFilter, *PAGED], responses=ConsensusRow(many=True))
    def get(self, request: Request, project_slug: str) -> Response:
        """What all raters say together of each pair, with its confidence."""
        asked = ConsensusFilter(data=request.query_params)
        asked.is_valid(raise_exception=True)
        found = consensus_of(self.project(request, project_slug), **asked.validated_data)
        pages = Pages()
        places = pages.paginate_queryset(range(len(found.pairs)), request) or []
        best, sure = found.choice, found.confidence
        rows = [
            {
                "pair": int(found.pairs[place]),
                "choice": CHOICES[int(best[place])],
                "confidence": float(sure[place]),
                "distribution": dict(zip(CHOICES, found.distribution[place].tolist(), strict=True)),
            }
            for place in places
        ]
        return pages.get_paginated_response(rows)


class Progress(ProjectView):
    @extend_schema(responses={200: dict})
    def get(self, request: Request, project_slug: str) -> Response:
        """Labels done and wanted, the forecast, and how the strata are covered."""
        project = self.project(request, project_slug)
        ahead = forecast(project, now=timezone.now())
        strata = {
            column: [
                {
                    "name": row.name,
                    "pairs": row.pairs,
                    "labelled": row.labelled,
                    "labels": row.labels,
                }
                for row in labelled_by(project, column)
            ]
            for column, _ in STRATA
        }
        return Response(
            {
                "done": ahead.done,
                "wanted": ahead.wanted,
                "per_day": ahead.per_day,
                "finished_on": ahead.finished_on,
                "strata": strata,
            }
        )


class InvitationRow(serializers.ModelSerializer[Invitation]):
    state = serializers.SerializerMethodField()

    class Meta:
        model = Invitation
        fields = ("id", "role", "email", "state", "created_at", "expires_at", "accepted_at")

    def get_state(self, row: Invitation) -> str:
        return row.state(timezone.now())


class InvitationInput(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=Role.choices)
    email = serializers.EmailField(required=False, allow_blank=True)


class Invitations(ListOf):
    roles = ADMINS
    output = InvitationRow

    @extend_schema(parameters=PAGED, responses=InvitationRow(many=True))
    def get(self, request: Request, project_slug: str) -> Response:
        """Invitations, newest first."""
        return self.answer(request, self.project(request, project_slug))

    @extend_schema(request=InvitationInput, responses={201: InvitationRow, 400: REFUSED})
    def post(self, request: Request, project_slug: str) -> Response:
        """Make a link that lets one person in. It is in this answer alone."""
        project = self.project(request, project_slug)
        asked = read_input(InvitationInput, request)
        new, token = invite(
            project=project,
            role=Role(asked["role"]),
            email=asked.get("email", ""),
            by=_user(request),
            now=timezone.now(),
        )
        link = request.build_absolute_uri(reverse("invitation", args=[token]))
        if new.email:
            send_invitation(invitation=new, link=link)
        return Response(InvitationRow(new).data | {"link": link}, status=status.HTTP_201_CREATED)

    def rows(self, project: Project, wanted: dict[str, Any]) -> QuerySet[Any]:
        return project.invitations.order_by("-id")


class InvitationRevocation(ProjectView):
    @extend_schema(request=None, responses={204: None, 409: REFUSED})
    def post(self, request: Request, project_slug: str, invitation_id: int) -> Response:
        """The link lets nobody in any more."""
        project = self.project(request, project_slug)
        row = get_object_or_404(Invitation, pk=invitation_id, project=project)
        revoke_invitation(invitation=row, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


def _user(request: Request) -> User:
    user = request.user
    if not isinstance(user, User):
        raise TypeError("A request without a user passed the permission check.")
    return user
