"""The SQL that counts labels for agreement. It runs on PostgreSQL and on SQLite.

Every statement is one WITH over the same steps: a project's effective labels; those of them that
met another label; of each rater the newest; and a line per pair with its votes and its pattern.
Nothing from outside is put into the text: values go in as parameters.
"""

from __future__ import annotations

from annotation.agreement.scale import CHOICES, CLEARLY, PLACES, place_of

BITS = 15
"""A pattern travels as two whole numbers of four counts each, 15 bits a count: up to 32,767 raters
of one pair may choose alike."""
HALF = len(PLACES) // 2

LABELS, GOLD, MAJORITY, TWO, EVERYBODY, HUMANS, JUDGES = range(7)
"""What a row of a result counts."""


def _case(values: dict[str, int]) -> str:
    return (
        "CASE " + " ".join(f"WHEN {test} THEN {value}" for test, value in values.items()) + " END"
    )


def _choice(column: str) -> str:
    return _case({f"{column} = '{choice}'": number for number, choice in enumerate(CHOICES)})


def _places() -> dict[str, int]:
    """The scale of `place_of` as conditions on a label."""
    tests = {f"choice = '{choice}'": place_of(choice, None) for choice in ("equal", "both_bad")}
    for choice in ("first", "second"):
        for strength in (1, 2, 3):
            test = f"choice = '{choice}' AND COALESCE(strength, {CLEARLY}) = {strength}"
            tests[test] = place_of(choice, strength)
    return tests


def _newest(table: str, unit: str) -> str:
    """1 for a rater's newest label of a unit, 2 for the one before, …"""
    columns = ", ".join(f"{table}.{column}" for column in (*unit.split(", "), "rater_id"))
    return f"ROW_NUMBER() OVER (PARTITION BY {columns} ORDER BY {table}.id DESC)"


PLACE = _case(_places())
# More than half of the other humans: the vote of the label's own rater is taken off.
MAJORITY_OF_OTHERS = _case(
    {
        f"2 * (h{n} - CASE WHEN choice = {n} THEN votes ELSE 0 END) > voters - votes": n
        for n in range(len(CHOICES))
    }
)
HUMANS_PER_CHOICE = ", ".join(
    f"SUM(CASE WHEN choice = {n} THEN votes ELSE 0 END) AS h{n}" for n in range(len(CHOICES))
)
PACKED = ", ".join(
    f"CAST(SUM({counted}CASE WHEN {test} THEN CAST(1 AS bigint) << ({BITS} * (place - {base})) "
    f"ELSE 0 END) AS bigint) AS {name}"
    for name, counted, test, base in (
        ("low", "", f"place < {HALF}", 0),
        ("high", "", f"place >= {HALF}", HALF),
        ("human_low", "votes * ", f"place < {HALF}", 0),
        ("human_high", "votes * ", f"place >= {HALF}", HALF),
    )
)
# No count of humans is above that of all, so that nothing is borrowed from one count to the next.
JUDGES_ALONE = "low - human_low, high - human_high"
# Repeats measure a rater against themself, and a senior's decision is made in sight of the labels.
# Superseding labels are few: NOT IN is answered from a hash of them, while a join to learn of each
# label whether it is superseded would go through all.
COUNTS_NOW = """project_id = %(project)s AND kind = 'judgement' AND NOT withdrawn
    AND annotation_label.id NOT IN (
        SELECT supersedes_id FROM annotation_label WHERE supersedes_id IS NOT NULL
    )"""
LABEL = "annotation_label.id, pair_id, rater_id"
PLAIN = f"SELECT {LABEL}, choice, strength FROM annotation_label WHERE {COUNTS_NOW}"  # noqa: S608

# Whole weeks since Monday, 29 December 1969, in UTC.
WEEK = {
    "postgresql": "CAST(FLOOR((EXTRACT(EPOCH FROM created_at) + 259200) / 604800) AS bigint)",
    "sqlite": "(CAST(STRFTIME('%%s', created_at) AS integer) + 259200) / 604800",
}
CRITERIA = {
    "postgresql": "jsonb_each_text(CASE WHEN jsonb_typeof(criteria) = 'object' THEN criteria "
    "ELSE '{}' END) AS each_one (key, value)",
    "sqlite": "json_each(CASE WHEN json_type(criteria) = 'object' THEN criteria "
    "ELSE '{}' END) AS each_one",
}


def of_week(vendor: str) -> str:
    """Effective labels, `part` being the week in which they were made."""
    return (
        f"SELECT {LABEL}, choice, strength, {WEEK[vendor]} AS part "  # noqa: S608
        f"FROM annotation_label WHERE {COUNTS_NOW}"
    )


def of_criterion(vendor: str) -> str:
    """What effective labels say on each criterion, `part`; what is no choice is left out."""
    choices = ", ".join(f"'{choice}'" for choice in CHOICES)
    return (
        f"SELECT {LABEL}, each_one.value AS choice, "  # noqa: S608
        "CAST(NULL AS integer) AS strength, each_one.key AS part "
        f"FROM annotation_label, {CRITERIA[vendor]} "
        f"WHERE {COUNTS_NOW} AND each_one.value IN ({choices})"
    )


def steps(effective: str = PLAIN, *, unit: str = "pair_id", part: str = "", fewest: int = 2) -> str:
    """The WITH of all statements. `unit` names the columns of what two raters can agree on.

    `part` is an expression over the labels of a unit, for labels that have such a column. Units
    with fewer than `fewest` labels get no line in `of_unit` and no votes.
    """
    kept = ", n.part" if part else ""
    of_unit = f", {part} AS part" if part else ""
    return f"""
WITH effective AS NOT MATERIALIZED ({effective}),
    gold AS (
        SELECT pair_id, choice FROM annotation_goldpair
        WHERE project_id = %(project)s AND choice <> ''
    ),
    on_gold AS (
        SELECT n.rater_id, {_choice("choice")} AS choice, {_choice("answer")} AS answer{kept}
        FROM (
            SELECT effective.*, gold.choice AS answer, {_newest("effective", unit)} AS age
            FROM effective JOIN gold ON gold.pair_id = effective.pair_id
        ) n WHERE age = 1
    ),
    -- A unit with one label has nobody to agree with: most labels are left out here.
    met AS (
        SELECT * FROM (
            SELECT effective.*, COUNT(*) OVER (PARTITION BY {unit}) AS many FROM effective
        ) counted_out WHERE many > 1
    ),
    counted AS (
        SELECT n.pair_id, n.rater_id, n.many, {_choice("choice")} AS choice, {PLACE} AS place,
               CASE WHEN rater_id IN (
                   SELECT id FROM annotation_rater WHERE kind = 'human' AND project_id = %(project)s
               ) THEN 1 ELSE 0 END AS votes{kept}
        FROM (SELECT met.*, {_newest("met", unit)} AS age FROM met) n
        WHERE age = 1
    ),
    of_unit AS (
        SELECT pair_id, SUM(votes) AS voters, {HUMANS_PER_CHOICE}, {PACKED}{of_unit}
        FROM counted WHERE many >= {fewest} GROUP BY {unit}
    ),
    voted AS (
        SELECT c.rater_id, c.choice, {MAJORITY_OF_OTHERS} AS majority{kept.replace("n.", "c.")}
        FROM counted c JOIN of_unit ON of_unit.pair_id = c.pair_id
    )"""  # noqa: S608


# Most pairs have two labels, and the table of their two raters tells all about them.
WHOLE_PROJECT = f"""{steps(fewest=3)}
SELECT {LABELS}, rater_id, 0, COUNT(*) FROM effective GROUP BY 2
UNION ALL
SELECT {GOLD}, rater_id, 4 * choice + answer, COUNT(*) FROM on_gold GROUP BY 2, 3
UNION ALL
SELECT {MAJORITY}, rater_id, 4 * choice + majority, COUNT(*)
FROM voted WHERE majority IS NOT NULL GROUP BY 2, 3
UNION ALL
SELECT {TWO}, 2 * a.rater_id + CASE WHEN a.many = 2 THEN 1 ELSE 0 END,
       64 * b.rater_id + 8 * a.place + b.place, COUNT(*)
FROM counted a JOIN counted b ON b.pair_id = a.pair_id AND a.rater_id < b.rater_id GROUP BY 2, 3
UNION ALL
SELECT {EVERYBODY}, low, high, COUNT(*) FROM of_unit GROUP BY 2, 3
UNION ALL
SELECT {HUMANS}, human_low, human_high, COUNT(*) FROM of_unit GROUP BY 2, 3
UNION ALL
SELECT {JUDGES}, {JUDGES_ALONE}, COUNT(*) FROM of_unit GROUP BY 2, 3
"""  # noqa: S608
"""(what, a, b, n): a rater and their choice beside another, two raters and theirs, or a pattern.

Patterns and votes are of pairs with three labels or more. In a row of two raters, `a` is twice the
first one's id, plus 1 where nobody else labelled the pairs.
"""


def patterns_by(part: str, *, joined: str = "") -> str:
    """The SELECT of patterns per part: (part, what, low, high, n)."""
    return f""",
    of_part AS (
        SELECT {part} AS part, low, high, human_low, human_high FROM of_unit {joined}
    )
SELECT part, {EVERYBODY}, low, high, COUNT(*) FROM of_part GROUP BY 1, 3, 4
UNION ALL
SELECT part, {HUMANS}, human_low, human_high, COUNT(*) FROM of_part GROUP BY 1, 3, 4
UNION ALL
SELECT part, {JUDGES}, {JUDGES_ALONE}, COUNT(*) FROM of_part GROUP BY 1, 3, 4
"""  # noqa: S608


RATERS_BY_PART = f"""
SELECT part, {GOLD}, rater_id, 4 * choice + answer, COUNT(*) FROM on_gold GROUP BY 1, 3, 4
UNION ALL
SELECT part, {MAJORITY}, rater_id, 4 * choice + majority, COUNT(*)
FROM voted WHERE majority IS NOT NULL GROUP BY 1, 3, 4
"""  # noqa: S608
"""The SELECT of raters' tables per part: (part, what, rater, cell, n)."""
