"""One small row in each format, after its published schema."""

from __future__ import annotations

from typing import Any

USER = {"role": "user", "content": "Name three rivers."}
SYSTEM = {"role": "system", "content": "Be brief."}
GOOD = {"role": "assistant", "content": "Rhine, Rhône, Loire."}
BAD = {"role": "assistant", "content": "The Nile."}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "rivers", "arguments": {"n": 3}}}
    ],
}
TOLD = {"role": "tool", "tool_call_id": "c1", "content": '["Rhine"]'}

ROWS: dict[str, dict[str, Any]] = {
    "axolotl-chat-dpo": {"messages": [SYSTEM, USER], "chosen": GOOD, "rejected": BAD},
    "hh-rlhf": {
        "chosen": "\n\nHuman: hi\n\nAssistant: hello",
        "rejected": "\n\nHuman: hi\n\nAssistant: no",
    },
    "llamafactory-alpaca-dpo": {
        "instruction": "Name three rivers.",
        "input": "In Europe.",
        "chosen": "Rhine, Rhône, Loire.",
        "rejected": "The Nile.",
        "system": "Be brief.",
        "history": [["Hello", "Hi"]],
    },
    "llamafactory-kto": {"messages": [USER, GOOD], "label": True},
    "llamafactory-sharegpt-dpo": {
        "conversations": [
            {"from": "human", "value": "Name three rivers."},
            {"from": "function_call", "value": '{"name": "rivers", "arguments": {"n": 3}}'},
            {"from": "observation", "value": "Rhine"},
        ],
        "system": "Be brief.",
        "chosen": {"from": "gpt", "value": "Rhine, Rhône, Loire."},
        "rejected": {"from": "gpt", "value": "The Nile."},
    },
    "math-shepherd": {
        "input": "What is 6 × 7 + 1? Step 1: 6 × 7 = 42. ки\nStep 2: 42 + 1 = 44. ки",
        "label": "What is 6 × 7 + 1? Step 1: 6 × 7 = 42. +\nStep 2: 42 + 1 = 44. -",
        "task": "GSM8K",
    },
    "messages-sft": {"messages": [SYSTEM, USER, GOOD]},
    "nectar": {
        "prompt": "\n\nHuman: Name three rivers.\n\nAssistant: ",
        "answers": [
            {"answer": "The Nile.", "model": "m1", "rank": 3.0},
            {"answer": "Rhine, Rhône, Loire.", "model": "m2", "rank": 1.0},
            {"answer": "Rhine.", "model": "m3", "rank": 2.0},
        ],
        "turns": 1,
        "num_responses": 3,
        "source": ["own"],
        "good_natured": True,
    },
    "openrlhf-preference": {
        "input": "Name three rivers.",
        "chosen": "Rhine, Rhône, Loire.",
        "rejected": "The Nile.",
    },
    "pairs": {
        "prompt": [SYSTEM, USER, CALL, TOLD],
        "response_a": "Rhine, Rhône, Loire.",
        "response_b": "The Nile.",
        "labels": [{"rater": "kim", "choice": "a", "criteria": {"true": "a"}}],
        "sampling_a": {"temperature": 0.5},
        "metadata": {"ticket": 4},
    },
    "prm800k": {
        "labeler": "w1",
        "timestamp": "2022-07-17T16:56:51",
        "generation": 9,
        "is_quality_control_question": False,
        "question": {"problem": "What is 7² − 9?", "ground_truth_answer": "40"},
        "label": {
            "steps": [
                {
                    "completions": [
                        {"text": "7² is 49.", "rating": 1, "flagged": False},
                        {"text": "7² is 14.", "rating": -1, "flagged": False},
                        {"text": "Let me see.", "rating": 0, "flagged": False},
                    ],
                    "human_completion": None,
                    "chosen_completion": 0,
                },
                {
                    "completions": [{"text": "49 − 9 = 40.", "rating": 1, "flagged": None}],
                    "human_completion": None,
                    "chosen_completion": 0,
                },
            ],
            "total_time": 31000,
            "finish_reason": "solution",
        },
    },
    "prompt-completion": {"prompt": "Name three rivers.", "completion": "Rhine, Rhône, Loire."},
    "rankings": {
        "prompt": "Name three rivers.",
        "completions": [
            {"text": "The Nile.", "score": 1.0, "model": "m1"},
            {"text": "Rhine, Rhône, Loire.", "score": 4.5, "model": "m2"},
        ],
    },
    "trl-preference": {
        "prompt": [SYSTEM, USER],
        "chosen": [GOOD],
        "rejected": [BAD],
        "margin": 1.5,
    },
    "trl-stepwise": {
        "prompt": "What is 12² − 4?",
        "completions": ["12² is 144.", "144 − 4 is 150."],
        "labels": [True, False],
    },
    "trl-unpaired": {"prompt": [USER], "completion": [GOOD], "label": True},
    "ultrafeedback": {
        "source": "own",
        "instruction": "Name three rivers.",
        "models": ["m1", "m2"],
        "completions": [
            {
                "model": "m1",
                "principle": "helpfulness",
                "custom_system_prompt": "",
                "response": "Rhine, Rhône, Loire.",
                "annotations": {
                    "honesty": {"Rating": "5", "Rationale": "short"},
                    "helpfulness": {"Rating": "4", "Rationale": "short"},
                },
                "overall_score": 9.0,
                "fine-grained_score": 4.5,
                "critique": "ok",
            },
            {
                "model": "m2",
                "principle": "helpfulness",
                "custom_system_prompt": "",
                "response": "The Nile.",
                "annotations": {
                    "honesty": {"Rating": "N/A", "Rationale": "short"},
                    "helpfulness": {"Rating": "1", "Rationale": "short"},
                },
                "overall_score": 2.5,
                "fine-grained_score": 1.0,
                "critique": "no",
            },
        ],
    },
    "ultrafeedback-binarized": {
        "prompt": "Name three rivers.",
        "prompt_id": "p1",
        "chosen": [USER, GOOD],
        "rejected": [USER, BAD],
        "messages": [USER, GOOD],
        "score_chosen": 8.5,
        "score_rejected": 4.0,
    },
}


def changed(name: str, **changes: Any) -> dict[str, Any]:
    """The row in format `name` with other values; a field that is given `...` is left out."""
    row = {**ROWS[name], **changes}
    return {field: value for field, value in row.items() if value is not ...}
