"""Constitutions go into files and come out of them the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from constitution.errors import BadConstitutionFileError
from constitution.models import ConstitutionVersion
from constitution.services import Example, PrincipleText, texts_of
from constitution.texts.formats import FormatName, lost_by, read_constitution, write_constitution
from tests.builders import make_project

SHARED = Path(__file__).resolve().parents[3] / "shared/data/cai-constitutions"
PUBLIC_FILE = SHARED / "constitution_anthropic.json"

CRITIQUES = {
    "harmful0": {
        "prompt": ["\n\nIdentify what is harmful.\n\nCritique:"],
        "edit_request": "\n\nRewrite it.\n\nRevision:",
    },
    "harmful1": {"prompt": ["First request.", "Second request."], "edit_request": "Mend both."},
}
COMPARISONS = ["Please choose the response that is most honest.", "Choose the kinder response."]
SWARM = {
    "constitutions": [
        {"critic": "Is it rude?", "revision": "Be polite."},
        {"critic": "Is it vague?", "revision": "Be precise."},
    ],
    "system_chat": [
        [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Good day."}]
    ],
}

PRINCIPLES = (
    PrincipleText(
        "polite",
        "Choose the response that is more polite.",
        critique_request="Say what is rude: “…”.",
        revision_request="Make it polite.\nKeep its meaning.",
        weight=2.5,
        tags=("tone", "ערך"),
        examples=(Example("Help!", "No.", "It is rude.", "Gladly."),),
        verifier={"kind": "contains", "none_of": ["shut up"]},
    ),
    PrincipleText("short", "Choose the shorter response."),
)


@pytest.mark.parametrize(
    ("format_name", "data"),
    [("critiques", CRITIQUES), ("comparisons", COMPARISONS), ("swarm", SWARM)],
)
def test_a_public_file_comes_out_as_it_went_in(format_name: FormatName, data: object) -> None:
    found = read_constitution(json.dumps(data))
    assert found.format == format_name
    text = write_constitution(
        format_name, name="", principles=found.principles, few_shots=found.few_shots
    )
    assert json.loads(text) == data


@pytest.mark.skipif(not PUBLIC_FILE.exists(), reason="the public constitution is not at hand")
def test_the_public_constitution_comes_out_as_it_went_in() -> None:
    text = PUBLIC_FILE.read_text()
    found = read_constitution(text)
    assert (found.format, len(found.principles), len(found.few_shots)) == ("swarm", 16, 4)
    again = write_constitution(
        "swarm", name="", principles=found.principles, few_shots=found.few_shots
    )
    assert json.loads(again) == json.loads(text)


@pytest.mark.parametrize("as_json", [False, True])
def test_our_own_format_keeps_everything(as_json: bool) -> None:
    shots = [[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello: {x}"}]]
    text = write_constitution(
        "concord", name="Courtesy", principles=PRINCIPLES, few_shots=shots, as_json=as_json
    )
    found = read_constitution(text)
    assert (found.format, found.name, found.principles) == ("concord", "Courtesy", PRINCIPLES)
    assert [[dict(turn) for turn in chat] for chat in found.few_shots] == shots
    assert text.startswith("{") == as_json


TEXTS = st.text(
    st.characters(blacklist_categories=["Cs", "Cc"], whitelist_characters="\n\t"), max_size=40
)


@given(
    st.lists(
        st.builds(
            PrincipleText,
            name=TEXTS.filter(bool),
            comparison=TEXTS.filter(bool),
            critique_request=TEXTS,
            revision_request=TEXTS,
            weight=st.floats(0, 1e6),
            tags=st.lists(TEXTS.filter(bool), max_size=3).map(tuple),
        ),
        min_size=1,
        max_size=4,
        unique_by=lambda principle: principle.name,
    ),
    st.booleans(),
)
def test_any_words_survive_our_own_format(principles: list[PrincipleText], as_json: bool) -> None:
    text = write_constitution("concord", name="C", principles=principles, as_json=as_json)
    assert list(read_constitution(text).principles) == principles


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "neither YAML nor JSON"),
        ("a: [", "neither YAML nor JSON"),
        ("just words", "is not a constitution"),
        ("[]", "at least 1"),
        ('["a", 3]', "1: Input should be a valid string"),
        ('{"principles": []}', "principles: Tuple should have at least 1"),
        ('{"principles": [{"name": "a", "compare": "x"}]}', "principles.0.compare: Extra"),
        ('{"principles": [{"name": "a"}]}', "'a' has no comparison"),
        ('{"principles": [{"name": "a", "comparison": "x", "weight": -1}]}', "principles.0.weight"),
        (
            '{"principles": [{"name": "a", "comparison": "x"}, {"name": "a", "comparison": "y"}]}',
            "two principles are named 'a'",
        ),
        (
            '{"principles": [{"name": "a", "verifier": {"kind": "magic"}}]}',
            "the verifier of 'a': .*valid kinds are length",
        ),
        ('{"constitutions": [{"critic": "x"}]}', "constitutions.0.revision: Field required"),
        ('{"harm": {"prompt": [], "edit_request": "x"}}', "harm.prompt"),
        ("!!python/object/apply:os.system ['true']", "neither YAML nor JSON"),
    ],
)
def test_a_file_that_is_no_constitution_is_refused_by_name(text: str, complaint: str) -> None:
    with pytest.raises(BadConstitutionFileError, match=complaint):
        read_constitution(text)


def test_what_a_format_has_no_place_for_is_named() -> None:
    assert lost_by("concord", PRINCIPLES) == []
    lost = " ".join(lost_by("swarm", PRINCIPLES))
    for what in ("comparison", "weights", "tags", "examples", "verifiers"):
        assert what in lost
    assert "critique" not in lost
    with pytest.raises(BadConstitutionFileError, match="needs: comparison texts"):
        write_constitution(
            "comparisons", name="", principles=[PrincipleText("a", "", critique_request="x")]
        )


@pytest.mark.django_db
def test_the_commands_bring_a_file_in_and_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make_project()
    file, out = tmp_path / "c.yaml", tmp_path / "out.yaml"
    file.write_text(write_constitution("concord", name="Courtesy", principles=PRINCIPLES))
    call_command(
        "import_constitution", project.slug, str(file), "--slug", "c", "--publish", "--json"
    )
    report = json.loads(capsys.readouterr().out)
    assert (report["version"], report["status"], report["principles"]) == ("c@1", "published", 2)
    version = ConstitutionVersion.objects.get()
    assert (version.sha256, version.constitution.name) == (report["sha256"], "Courtesy")
    assert tuple(texts_of(version)) == PRINCIPLES

    call_command("export_constitution", project.slug, "c@1", "--output", str(out))
    assert out.read_text() == file.read_text()
    capsys.readouterr()
    call_command("export_constitution", project.slug, "c", "--format", "comparisons", "--json")
    captured = capsys.readouterr()
    assert json.loads(captured.out)["text"] == [one.comparison for one in PRINCIPLES]
    assert "cannot hold weights" in captured.err


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["import_constitution", "nowhere", "f", "--slug", "c"], "no project 'nowhere'"),
        (["import_constitution", "harbour", "no/file", "--slug", "c"], "cannot be read"),
        (["import_constitution", "harbour", "f", "--slug", "not a slug"], "is not a valid slug"),
        (["export_constitution", "harbour", "c@3"], "has no constitution 'c@3'; it has: none"),
    ],
)
def test_the_commands_say_what_is_wrong(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make_project("harbour")
    with pytest.raises(SystemExit) as ended:
        call_command(*arguments)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err
    assert not ConstitutionVersion.objects.exists()
