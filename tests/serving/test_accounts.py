"""What inference took is counted once, and priced as of then."""

from __future__ import annotations

from decimal import Decimal

import pytest

from corpus.models import ModelVersion
from inference.engine import Answer, Choice, Generation
from inference.errors import BadRequestError
from inference.server.metrics import ServerMetrics, parse_metrics
from serving.accounts import Meter, cost_of
from serving.models import Usage
from serving.selectors import usage_of_project, usage_of_run
from tests.builders import make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def model() -> ModelVersion:
    return ModelVersion.objects.create(
        project=make_project(),
        name="m",
        kind="api",
        price_prompt=Decimal("0.50"),
        price_completion=Decimal("2.00"),
    )


def meter(model: ModelVersion) -> Meter:
    return Meter(model.project, model, "server", Usage.Purpose.JUDGE, run_id=3)


def test_answers_are_added_up_and_written_down_once(model: ModelVersion) -> None:
    counting = meter(model)
    counting.add(Answer(0, Choice((0.5, 0.5), 0.9, prompt_tokens=1_000), None, 12.0))
    counting.add(Answer(1, Generation("x", 500, 250, "stop", -1.0), None, 8.0))
    counting.add(Answer(2, None, BadRequestError("too long"), 1.0))
    counting.add(Answer(3, Choice((0.5, 0.5), 0.9, prompt_tokens=1_000), None, 0.0), cached=True)
    counting.record()
    counting.record()

    totals = usage_of_run(Usage.Purpose.JUDGE, 3)
    assert (totals.requests, totals.cached, totals.failed) == (3, 1, 1)
    assert (totals.prompt_tokens, totals.completion_tokens) == (1_500, 250)
    assert totals.milliseconds == pytest.approx(21.0)
    assert totals.milliseconds_each == pytest.approx(7.0)
    # 1,500 at 0.50 and 250 at 2.00 a million.
    assert totals.cost == Decimal("0.00125")
    assert Usage.objects.count() == 1


def test_a_later_price_changes_no_earlier_cost(model: ModelVersion) -> None:
    counting = meter(model)
    counting.add(Answer(0, Choice((0.5, 0.5), None, prompt_tokens=1_000_000), None, 1.0))
    counting.record()
    model.price_prompt = Decimal(100)
    model.save()
    assert usage_of_run(Usage.Purpose.JUDGE, 3).cost == Decimal("0.5")


def test_a_model_without_prices_has_no_cost(model: ModelVersion) -> None:
    assert cost_of(ModelVersion(), 10, 10) is None
    assert cost_of(ModelVersion(price_prompt=Decimal(0)), 10, 10) == 0
    assert usage_of_run(Usage.Purpose.JUDGE, 99).cost is None
    assert usage_of_run(Usage.Purpose.JUDGE, 99).milliseconds_each is None


def test_a_project_sees_its_own_usage_by_model_and_purpose(model: ModelVersion) -> None:
    counting = meter(model)
    counting.add(Answer(0, Choice((0.5, 0.5), None, prompt_tokens=10), None, 1.0))
    counting.record()
    trial = Meter(model.project, model, "server", Usage.Purpose.PLAYGROUND, run_id=1)
    trial.add(Answer(0, Choice((0.5, 0.5), None, prompt_tokens=7), None, 1.0))
    trial.record()

    rows = usage_of_project(model.project)
    assert [(row["purpose"], row["totals"].prompt_tokens) for row in rows] == [
        ("judge run", 10),
        ("playground", 7),
    ]
    assert usage_of_project(make_project("other")) == []


METRICS = """
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 3.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="m"} 5.0
# TYPE vllm:prompt_tokens counter
vllm:prompt_tokens_total{engine="0",model_name="m"} 1000.0
vllm:prompt_tokens_total{engine="1",model_name="m"} 500.0
# TYPE vllm:prefix_cache_queries counter
vllm:prefix_cache_queries_total{engine="0",model_name="m"} 1500.0
# TYPE vllm:prefix_cache_hits counter
vllm:prefix_cache_hits_total{engine="0",model_name="m"} 900.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
# TYPE python_gc_objects_collected counter
python_gc_objects_collected_total{generation="0"} 7.0
"""


def test_a_servers_metrics_are_read_and_compared() -> None:
    now = parse_metrics(METRICS)
    assert (now.running_requests, now.waiting_requests) == (3, 5)
    assert now.prompt_tokens == 1_500
    assert now.prefix_hit_rate == pytest.approx(0.6)
    assert now.kv_cache_use == 0.25
    earlier = ServerMetrics(prompt_tokens=1_000, prefix_queries=1_000, prefix_hits=800)
    grown = now.since(earlier)
    assert grown.prompt_tokens == 500
    assert grown.prefix_hit_rate == pytest.approx(0.2)
    # A server that was started again counts anew.
    assert now.since(ServerMetrics(prompt_tokens=9_999)).prompt_tokens == 1_500
    assert now.plus(now).prefix_queries == 3_000
    assert ServerMetrics().prefix_hit_rate is None
    assert parse_metrics("") == ServerMetrics()
