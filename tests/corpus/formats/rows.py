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
    "alpaca-eval": {
        "instruction": "Name three rivers.",
        "dataset": "own",
        "generator_1": "m1",
        "output_1": "The Nile.",
        "generator_2": "m2",
        "output_2": "Rhine, Rhône, Loire.",
        "annotator": "j",
        "preference": 1.93,
    },
    "arena": {
        "question_id": "q0",
        "model_a": "m1",
        "model_b": "m2",
        "winner": "model_a",
        "judge": "arena_user_0",
        "conversation_a": [USER, GOOD, USER, GOOD],
        "conversation_b": [USER, BAD, USER, BAD],
        "turn": 2,
        "anony": True,
        "language": "English",
        "tstamp": 1682351591.1,
    },
    "argilla": {
        "id": "rec-0",
        "fields": {"prompt": "Name three rivers.", "response1": "Rhine.", "response2": "The Nile."},
        "metadata": {"ticket": 4},
        "suggestions": {"preference": {"value": "response2", "score": 0.9, "agent": "j"}},
        "responses": {
            "preference": [
                {"value": "response1", "user_id": "u1", "status": "submitted"},
                {"value": "tie", "user_id": "u2", "status": "draft"},
            ],
            "truth_response1": [{"value": 5, "user_id": "u1", "status": "submitted"}],
            "truth_response2": [{"value": 1, "user_id": "u1", "status": "submitted"}],
            "comment": [{"value": "Clear.", "user_id": "u1", "status": "submitted"}],
        },
    },
    "axolotl-chat-dpo": {"messages": [SYSTEM, USER], "chosen": GOOD, "rejected": BAD},
    "helpsteer2": {
        "prompt": "Name three rivers.",
        "response": "Rhine, Rhône, Loire.",
        "helpfulness": 4,
        "correctness": 4,
        "coherence": 4,
        "complexity": 1,
        "verbosity": 1,
    },
    "helpsteer2-preference": {
        "split": "train",
        "prompt": "Name three rivers.",
        "response_1": "The Nile.",
        "response_2": "Rhine, Rhône, Loire.",
        "preference_strength": 2,
        "preference_statement": "@Response 2 is better than @Response 1",
        "preference_elaboration": "It names three.",
        "all_preferences_unprocessed": [{"strength": 3, "justification": "It names three."}],
    },
    "helpsteer3": {
        "domain": "general",
        "language": "english",
        "context": [USER],
        "response1": "Rhine, Rhône, Loire.",
        "response2": "The Nile.",
        "overall_preference": -2,
        "individual_preference": [
            {"score": -2, "reasoning": "It names three.", "feedback1": "Yes.", "feedback2": "No."}
        ],
    },
    "hh-rlhf": {
        "chosen": "\n\nHuman: hi\n\nAssistant: hello",
        "rejected": "\n\nHuman: hi\n\nAssistant: no",
    },
    "label-studio": {
        "id": 401,
        "data": {"prompt": "Name three rivers.", "answer1": "Rhine.", "answer2": "The Nile."},
        "annotations": [
            {
                "completed_by": {"id": 1, "email": "kim@example.org"},
                "result": [
                    {"type": "pairwise", "value": {"selected": "left"}, "from_name": "which"},
                    {
                        "type": "rating",
                        "value": {"rating": 3},
                        "from_name": "truth",
                        "to_name": "answer1",
                    },
                    {"type": "textarea", "value": {"text": ["Clear."]}, "from_name": "why"},
                ],
                "was_cancelled": False,
                "ground_truth": True,
                "lead_time": 12.5,
                "created_at": "2023-04-17T21:54:20Z",
            }
        ],
        "predictions": [
            {
                "model_version": "j",
                "score": 0.8,
                "result": [
                    {"type": "choices", "value": {"choices": ["B"]}, "from_name": "preference"}
                ],
            }
        ],
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
    "mt-bench": {
        "question_id": 80,
        "model_a": "m1",
        "model_b": "m2",
        "winner": "model_a",
        "judge": ["gpt-4", "pair-v2"],
        "conversation_a": [USER, GOOD, USER, GOOD],
        "conversation_b": [USER, BAD, USER, BAD],
        "turn": 2,
    },
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
    "pku-saferlhf": {
        "prompt": "Name three rivers.",
        "response_0": "The Nile.",
        "response_1": "Rhine, Rhône, Loire.",
        "response_0_source": "m1",
        "response_1_source": "m2",
        "is_response_0_safe": False,
        "is_response_1_safe": False,
        "better_response_id": 1,
        "safer_response_id": 0,
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
    "rewardbench": {
        "prompt": "Name three rivers.",
        "chosen": "Rhine, Rhône, Loire.",
        "chosen_model": "m1",
        "rejected": "The Nile.",
        "rejected_model": "m2",
        "subset": "alpacaeval-easy",
        "id": 4,
    },
    "shp": {
        "post_id": "x0",
        "domain": "askgeography_train",
        "history": "Name three rivers.",
        "score_A": 4,
        "score_B": 30,
        "human_ref_A": "The Nile.",
        "human_ref_B": "Rhine, Rhône, Loire.",
        "labels": 0,
        "score_ratio": 7.5,
    },
    "summarize-from-feedback": {
        "info": {"id": "t3", "post": "I need rivers.", "title": "Rivers", "subreddit": "own"},
        "summaries": [
            {"text": " The Nile.", "policy": "sup2", "note": ""},
            {"text": " Needs rivers.", "policy": "ref", "note": ""},
        ],
        "choice": 1,
        "worker": "w0",
        "extra": {"confidence": 8},
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

OTHER_SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "arena in lists": (
        "arena",
        {
            "id": 1,
            "prompt": '["Name three rivers.", "And why?"]',
            "response_a": '["Rhine.", "So."]',
            "response_b": ["The Nile.", None],
            "winner_model_a": "1",
            "winner_model_b": "0",
            "winner_tie": 0,
        },
    ),
    "argilla with ranks": (
        "argilla",
        {
            "fields": {"prompt": "Which?", "response1": "A", "response2": "B", "response3": "C"},
            "responses": {
                "ranking": [
                    {
                        "value": [
                            {"value": "response1", "rank": 1},
                            {"value": "response2", "rank": 2},
                            {"value": "response3", "rank": 2},
                        ],
                        "user_id": "u1",
                        "status": "submitted",
                    }
                ],
                "best": [{"value": "response2", "user_id": "u2", "status": "submitted"}],
            },
        },
    ),
    "argilla of version 1": (
        "argilla",
        {
            "fields": {"prompt": "Name three rivers.", "response": "Rhine."},
            "responses": [{"user_id": "u1", "values": {"good": {"value": "yes"}}}],
            "suggestions": [{"question_name": "good", "value": True, "agent": "j"}],
        },
    ),
    "argilla in a table": (
        "argilla",
        {
            "prompt": "Name three rivers.",
            "response1": "Rhine.",
            "response2": "The Nile.",
            "preference.responses": ["response1", "tie"],
            "preference.responses.users": ["u1", "u2"],
            "preference.responses.status": ["submitted", "draft"],
            "preference.suggestion": "response2",
            "preference.suggestion.agent": "j",
        },
    ),
    "rewardbench with several answers": (
        "rewardbench",
        {
            "id": "t1",
            "prompt": "Name three rivers.",
            "chosen": ["Rhine, Rhône, Loire."],
            "rejected": ["The Nile.", "None."],
            "num_correct": 1,
            "num_incorrect": 2,
            "models": ["m1", "m2", "m3"],
            "subset": "Factuality",
        },
    ),
    "ratings of summaries": (
        "summarize-from-feedback",
        {
            "info": {"id": "c1", "article": "It rained.", "title": "Rain", "site": "own"},
            "summary": {
                "text": " Rain.",
                "policy": "ref",
                "axes": {"overall": 6, "accuracy": 7},
            },
            "worker": "w0",
        },
    ),
    "label studio with one answer": (
        "label-studio",
        {
            "data": {"prompt": "Name three rivers.", "response": "Rhine."},
            "annotations": [
                {
                    "completed_by": 1,
                    "result": [
                        {"type": "choices", "value": {"choices": ["Good"]}, "from_name": "thumb"}
                    ],
                }
            ],
        },
    ),
}
"""Rows of a format that come in another shape than its row above."""


def changed(name: str, **changes: Any) -> dict[str, Any]:
    """The row in format `name` with other values; a field that is given `...` is left out."""
    row = {**ROWS[name], **changes}
    return {field: value for field, value in row.items() if value is not ...}
