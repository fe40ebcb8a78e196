"""Pairs, prompts and completions over REST: read by keyset, created in bulk, withdrawn, picked."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, ParseError, PermissionDenied
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import REFUSED, ProjectView, read_input, user_of
from accounts.errors import RefusedError
from accounts.permissions import READERS, RESEARCHERS, SENIORS
from annotation.models import GoldPair, Label, Slot
from annotation.selectors import KNOWN_GOLD
from annotation.services import ask_for_labels, restore_pairs, withdraw_pairs
from annotation.services.slots import MOST_LABELS
from corpus.errors import PairSetError
from corpus.models import Completion, Pair, PairSet, Project, Prompt
from corpus.pair_sets import MOST_PICKED, pick_pairs
from library.pairs.creating import KEY_CHARACTERS, MOST_PAIRS, create_pairs
from library.pairs.filters import PairFilter
from library.pairs.states import Agreement, State, standings_of

LARGEST_ID = 2**63 - 1


class PickError(RefusedError):
    code = "pairs_refused"


class Keyset(CursorPagination):
    """Newest first; a page begins where the last ended, whatever was added meanwhile."""

    page_size = 50
    max_page_size = 1000
    page_size_query_param = "limit"
    ordering = "-id"

    def decode_cursor(self, request: Request) -> Cursor | None:
        """A cursor that we did not make is said to be none."""
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None:
            place = str(cursor.position)
            if not (place.isascii() and place.isdecimal() and len(place) < 19):
                raise NotFound(self.invalid_cursor_message)
        return cursor


KEYSET = [
    OpenApiParameter("limit", int, description="Rows per page, 1 to 1000. Default: 50."),
    OpenApiParameter("cursor", str, description="From `next` or `previous` of a page."),
]


class PairFilterInput(serializers.Serializer[Any]):
    q = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=10_000,
        help_text="Words in prompts, responses, metadata or IDs.",
    )
    state = serializers.ChoiceField(choices=State.choices, required=False)
    agreement = serializers.ChoiceField(choices=Agreement.choices, required=False)
    origin = serializers.ChoiceField(choices=Pair.Origin.choices, required=False)
    held_back = serializers.ChoiceField(choices=Pair.HeldBack.choices, required=False)
    domain = serializers.CharField(max_length=100, required=False, help_text="- if not specified.")
    difficulty = serializers.CharField(max_length=50, required=False)
    language = serializers.CharField(max_length=35, required=False)
    source = serializers.CharField(max_length=200, required=False)  # type: ignore[assignment]
    picked = serializers.RegexField(
        "^[0-9a-f]{64}$", required=False, help_text="sha256 of a set of picked pairs."
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # A word that Python keeps for itself.
        number = serializers.IntegerField(
            min_value=1, max_value=LARGEST_ID, required=False, help_text="ID of an import."
        )
        return {**super().get_fields(), "import": number}


def _filter(given: dict[str, Any]) -> PairFilter:
    renamed = {"source_import" if name == "import" else name: one for name, one in given.items()}
    return PairFilter(**renamed)


class PromptRow(serializers.ModelSerializer[Prompt]):
    source_import = serializers.IntegerField(source="source_import_id", allow_null=True)

    class Meta:
        model = Prompt
        fields: tuple[str, ...] = (
            *("id", "messages", "sha256", "source", "domain", "difficulty", "language"),
            *("sensitive", "reference", "metadata", "source_import", "duplicate_group"),
            "created_at",
        )


class CompletionRow(serializers.ModelSerializer[Completion]):
    model = serializers.CharField(source="model_version.name", default=None, allow_null=True)

    class Meta:
        model = Completion
        fields: tuple[str, ...] = (
            *("id", "prompt", "text", "model", "sampling", "token_count", "finish_reason"),
            *("sha256", "steps", "metadata", "created_at"),
        )


class PairRow(serializers.ModelSerializer[Pair]):
    prompt = PromptRow()
    first = CompletionRow()
    second = CompletionRow()
    state = serializers.SerializerMethodField()
    agreement = serializers.SerializerMethodField()
    labels = serializers.SerializerMethodField(help_text="How many labels are counted.")
    source_import = serializers.IntegerField(source="source_import_id", allow_null=True)
    sampling_run = serializers.IntegerField(source="sampling_run_id", allow_null=True)

    class Meta:
        model = Pair
        fields: tuple[str, ...] = (
            *("id", "sha256", "external_id", "prompt", "first", "second", "state", "agreement"),
            *("labels", "origin", "batch", "held_back", "priority", "metadata", "source_import"),
            *("source_line", "sampling_run", "created_at"),
        )

    def get_state(self, pair: Pair) -> str:
        return str(self.context["standing"][pair.pk].state(pair.held_back).value)

    def get_agreement(self, pair: Pair) -> str:
        return str(self.context["standing"][pair.pk].agreement.value)

    def get_labels(self, pair: Pair) -> int:
        return int(self.context["standing"][pair.pk].labels)


class PairLabel(serializers.ModelSerializer[Label]):
    rater = serializers.CharField(source="rater.name")
    rater_kind = serializers.CharField(source="rater.kind")

    class Meta:
        model = Label
        fields = (
            *("id", "rater", "rater_kind", "kind", "choice", "strength", "p_first", "criteria"),
            *("comment", "margin", "seconds", "created_at"),
        )


class PairWhole(PairRow):
    labels_in_force = serializers.SerializerMethodField()
    gold = serializers.SerializerMethodField(help_text="The gold answer, once it is settled.")

    class Meta(PairRow.Meta):
        fields: tuple[str, ...] = (*PairRow.Meta.fields, "labels_in_force", "gold")

    def get_labels_in_force(self, pair: Pair) -> list[dict[str, Any]]:
        labels = Label.objects.effective().filter(pair=pair).select_related("rater").order_by("pk")
        return [dict(row) for row in PairLabel(labels, many=True).data]

    def get_gold(self, pair: Pair) -> str | None:
        gold = GoldPair.objects.filter(pair=pair, state__in=KNOWN_GOLD).first()
        return gold.choice if gold and gold.choice else None


def _with_texts(project: Project) -> QuerySet[Pair]:
    return Pair.objects.filter(project=project).select_related(
        "prompt", "first__model_version", "second__model_version"
    )


class CreatedPair(serializers.Serializer[Any]):
    index = serializers.IntegerField(help_text="Place in the list sent, from 0.")
    status = serializers.ChoiceField(choices=["created", "duplicate", "refused"])
    pair = serializers.IntegerField(allow_null=True, help_text="ID of the pair.")
    reason = serializers.CharField(allow_blank=True, help_text="Why it was refused.")


class CreatedPairs(serializers.Serializer[Any]):
    created = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    refused = serializers.IntegerField()
    labels_added = serializers.IntegerField()
    results = CreatedPair(many=True)


class NewPairs(serializers.Serializer[Any]):
    pairs = serializers.ListField(
        child=serializers.JSONField(),
        min_length=1,
        max_length=MOST_PAIRS,
        help_text="Objects as the lines of pairs JSONL; see docs/data-format.md.",
    )


class Pairs(ProjectView):
    change_roles = RESEARCHERS

    @extend_schema(
        operation_id="pairs_list",
        parameters=[PairFilterInput, *KEYSET],
        responses={200: PairRow(many=True), 400: REFUSED, 404: REFUSED},
    )
    def get(self, request: Request, project_slug: str) -> Response:
        """List pairs with their texts and standing, newest first, narrowed by filters."""
        project = self.project(request, project_slug)
        asked = PairFilterInput(data=request.query_params)
        asked.is_valid(raise_exception=True)
        found = _filter(dict(asked.validated_data)).pairs(project)
        pages = Keyset()
        ids = [one.pk for one in pages.paginate_queryset(found.only("pk"), request, self) or []]
        there = {pair.pk: pair for pair in _with_texts(project).filter(pk__in=ids)}
        rows = PairRow(
            [there[pk] for pk in ids if pk in there],
            many=True,
            context={"standing": standings_of(project, ids)},
        )
        return pages.get_paginated_response(rows.data)

    @extend_schema(
        operation_id="pairs_create",
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                str,
                OpenApiParameter.HEADER,
                required=True,
                description=f"Yours, up to {KEY_CHARACTERS} characters. The same key with the same "
                "pairs is answered as before.",
            )
        ],
        request=NewPairs,
        responses={200: CreatedPairs, 400: REFUSED, 409: REFUSED},
    )
    def post(self, request: Request, project_slug: str) -> Response:
        """Create up to 1,000 pairs with their labels and gold; each is accepted or refused alone.

        A call that is sent again with its key changes nothing and is answered as before.
        """
        project = self.project(request, project_slug)
        key = request.headers.get("Idempotency-Key", "").strip()
        if not key or len(key) > KEY_CHARACTERS or not key.isprintable():
            raise ParseError(
                f"The header Idempotency-Key must have 1 to {KEY_CHARACTERS} printable characters."
            )
        try:
            answer = create_pairs(
                project=project, user=user_of(request), key=key, pairs=_pairs_sent(request)
            )
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.") from error
        return Response(answer)


def _pairs_sent(request: Request) -> list[Any]:
    """What was sent, each pair still to be read: one that is wrong is refused by itself."""
    body = request.data
    pairs = body.get("pairs") if isinstance(body, dict) else None
    if not isinstance(pairs, list) or not 1 <= len(pairs) <= MOST_PAIRS:
        raise ParseError(f"Send an object with `pairs`: a list of 1 to {MOST_PAIRS:,} objects.")
    return pairs


class OnePair(ProjectView):
    @extend_schema(operation_id="pairs_read", responses={200: PairWhole, 403: REFUSED})
    def get(self, request: Request, project_slug: str, pair_id: int) -> Response:
        """Show a pair with its labels and settled gold; not to whoever is labelling it now."""
        project = self.project(request, project_slug)
        pair = get_object_or_404(_with_texts(project), pk=pair_id)
        held = Slot.objects.filter(pair=pair, rater__user=request.user.pk, state=Slot.State.LEASED)
        if held.exists():
            raise PermissionDenied("You are labelling this pair; answer it first.")
        context = {"standing": standings_of(project, [pair.pk])}
        return Response(PairWhole(pair, context=context).data)


class PairChoice(serializers.Serializer[Any]):
    """Pairs by id, or all that a filter finds."""

    pairs = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=LARGEST_ID),
        required=False,
        min_length=1,
        max_length=MOST_PICKED,
        help_text="IDs.",
    )
    filter = PairFilterInput(required=False, help_text="Instead of IDs; {} for all pairs.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("pairs" in attrs) == ("filter" in attrs):
            raise serializers.ValidationError("Give either pairs or a filter.")
        return attrs


class AskInput(PairChoice):
    more = serializers.IntegerField(
        min_value=1, max_value=MOST_LABELS, help_text="Labels that each pair is to wait for."
    )


def _chosen(project: Project, given: dict[str, Any]) -> list[int]:
    """The ids that are meant. PickError for one that is not the project's, or for too many."""
    if "filter" in given:
        found = _filter(dict(given["filter"])).pairs(project).order_by("pk")
        ids = list(found.values_list("pk", flat=True)[: MOST_PICKED + 1])
        if len(ids) > MOST_PICKED:
            raise PickError(f"More than {MOST_PICKED:,} pairs match; narrow the filter.")
        return ids
    wanted = sorted(set(given["pairs"]))
    there: set[int] = set()
    for start in range(0, len(wanted), 5_000):
        some = Pair.objects.filter(project=project, pk__in=wanted[start : start + 5_000])
        there.update(some.values_list("pk", flat=True))
    if strange := [pk for pk in wanted if pk not in there]:
        raise PickError(f"There is no pair {strange[0]} in this project; nothing was changed.")
    return wanted


class Changed(serializers.Serializer[Any]):
    chosen = serializers.IntegerField()
    changed = serializers.IntegerField()


class WithdrawPairs(ProjectView):
    change_roles = SENIORS

    @extend_schema(
        operation_id="pairs_withdraw",
        request=PairChoice,
        responses={200: Changed, 400: REFUSED},
    )
    def post(self, request: Request, project_slug: str) -> Response:
        """Withdraw pairs: no longer labelled or judged, and left out of new datasets."""
        project = self.project(request, project_slug)
        ids = _chosen(project, read_input(PairChoice, request))
        return Response({"chosen": len(ids), "changed": withdraw_pairs(project=project, pairs=ids)})


class RestorePairs(ProjectView):
    change_roles = SENIORS

    @extend_schema(
        operation_id="pairs_restore",
        request=PairChoice,
        responses={200: Changed, 400: REFUSED},
    )
    def post(self, request: Request, project_slug: str) -> Response:
        """Restore withdrawn pairs; they wait again for the labels they lacked."""
        project = self.project(request, project_slug)
        ids = _chosen(project, read_input(PairChoice, request))
        return Response({"chosen": len(ids), "changed": restore_pairs(project=project, pairs=ids)})


class AskedRow(serializers.Serializer[Any]):
    pairs = serializers.IntegerField(help_text="Pairs that wait for more labels than before.")
    labels = serializers.IntegerField(help_text="Labels asked for.")
    waiting = serializers.IntegerField(help_text="Pairs that waited for that many already.")
    held_back = serializers.IntegerField(help_text="Pairs that are held back.")


class AskForLabels(ProjectView):
    change_roles = READERS

    @extend_schema(
        operation_id="pairs_ask", request=AskInput, responses={200: AskedRow, 400: REFUSED}
    )
    def post(self, request: Request, project_slug: str) -> Response:
        """Put pairs back in the queue for more labels. Asking twice is asking once."""
        project = self.project(request, project_slug)
        given = read_input(AskInput, request)
        ids = _chosen(project, given)
        done = ask_for_labels(project=project, pairs=ids, more=given["more"])
        return Response(AskedRow(done).data)


class PairSetRow(serializers.ModelSerializer[PairSet]):
    class Meta:
        model = PairSet
        fields = ("sha256", "size", "picked_by", "created_at")


class PairSets(ProjectView):
    change_roles = RESEARCHERS

    @extend_schema(
        operation_id="pair_sets_list",
        parameters=KEYSET,
        responses={200: PairSetRow(many=True), 404: REFUSED},
    )
    def get(self, request: Request, project_slug: str) -> Response:
        """List the sets of picked pairs, newest first."""
        project = self.project(request, project_slug)
        return _listed(self, request, PairSet.objects.filter(project=project), PairSetRow)

    @extend_schema(
        operation_id="pair_sets_create",
        request=PairChoice,
        responses={201: PairSetRow, 400: REFUSED},
    )
    def post(self, request: Request, project_slug: str) -> Response:
        """Pick pairs as a set that never changes, for judge runs and datasets."""
        project = self.project(request, project_slug)
        given = read_input(PairChoice, request)
        by = {"all": True, **_filter(dict(given["filter"])).asked()} if "filter" in given else {}
        try:
            made = pick_pairs(
                project=project,
                pairs=_chosen(project, given),
                picked_by=by,
                created_by=user_of(request),
            )
        except PairSetError as error:
            raise PickError(str(error)) from error
        return Response(PairSetRow(made).data, status=status.HTTP_201_CREATED)


def _listed(
    view: ProjectView,
    request: Request,
    rows: QuerySet[Any],
    output: type[serializers.ModelSerializer[Any]],
) -> Response:
    pages = Keyset()
    page = pages.paginate_queryset(rows, request, view)
    return pages.get_paginated_response(output(page, many=True).data)


class PromptFilter(serializers.Serializer[Any]):
    domain = serializers.CharField(max_length=100, required=False)
    difficulty = serializers.CharField(max_length=50, required=False)
    language = serializers.CharField(max_length=35, required=False)
    source = serializers.CharField(max_length=200, required=False)  # type: ignore[assignment]


class Prompts(ProjectView):
    @extend_schema(
        operation_id="prompts_list",
        parameters=[PromptFilter, *KEYSET],
        responses={200: PromptRow(many=True), 400: REFUSED, 404: REFUSED},
    )
    def get(self, request: Request, project_slug: str) -> Response:
        """List prompts, newest first."""
        project = self.project(request, project_slug)
        asked = PromptFilter(data=request.query_params)
        asked.is_valid(raise_exception=True)
        rows = Prompt.objects.filter(project=project, **asked.validated_data)
        return _listed(self, request, rows, PromptRow)


class CompletionFilter(serializers.Serializer[Any]):
    prompt = serializers.IntegerField(min_value=1, max_value=LARGEST_ID, required=False)
    model = serializers.CharField(max_length=200, required=False, help_text="Name of a model.")


class Completions(ProjectView):
    @extend_schema(
        operation_id="completions_list",
        parameters=[CompletionFilter, *KEYSET],
        responses={200: CompletionRow(many=True), 400: REFUSED, 404: REFUSED},
    )
    def get(self, request: Request, project_slug: str) -> Response:
        """List completions, newest first, of one prompt or model if given."""
        project = self.project(request, project_slug)
        asked = CompletionFilter(data=request.query_params)
        asked.is_valid(raise_exception=True)
        rows = Completion.objects.filter(prompt__project=project).select_related("model_version")
        if (prompt := asked.validated_data.get("prompt")) is not None:
            rows = rows.filter(prompt=prompt)
        if (model := asked.validated_data.get("model")) is not None:
            rows = rows.filter(model_version__name=model)
        return _listed(self, request, rows, CompletionRow)
