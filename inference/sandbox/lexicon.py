"""The words of the sandbox world: topics, forms of requests, and the parts of answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """A subject: its name, what one asks about it, and what one says about it.

    Every task, tip and remark contains one of `words`, which belong to this topic alone.
    """

    name: str
    words: tuple[str, ...]
    tasks: tuple[str, ...]
    tips: tuple[str, ...]
    remarks: tuple[str, ...]


TOPICS: tuple[Topic, ...] = (
    Topic(
        "bread",
        ("bread", "dough", "loaf"),
        ("bake bread", "knead dough", "store a loaf", "slice bread", "proof dough", "score a loaf"),
        (
            "Let the dough rest for an hour.",
            "Bake the bread in a hot oven.",
            "Keep the loaf in a cloth.",
            "Knead the dough with wet hands.",
        ),
        ("Good bread needs time.", "Every loaf is a little different.", "Warm dough rises faster."),
    ),
    Topic(
        "garden",
        ("garden", "soil", "seeds"),
        (
            "water a garden",
            "plant seeds",
            "improve soil",
            "weed a garden",
            "save seeds",
            "test soil",
        ),
        (
            "Water the garden in the morning.",
            "Put the seeds two fingers deep.",
            "Mix compost into the soil.",
            "Keep the soil loose.",
        ),
        ("A garden rewards patience.", "Old seeds sprout slowly.", "Rich soil is dark."),
    ),
    Topic(
        "bicycle",
        ("bicycle", "chain", "pedals"),
        (
            "clean a chain",
            "repair a bicycle",
            "fit pedals",
            "lock a bicycle",
            "oil a chain",
            "adjust pedals",
        ),
        (
            "Oil the chain after every rain.",
            "Turn the bicycle upside down first.",
            "Tighten the pedals with a wrench.",
            "Wipe the chain with a rag.",
        ),
        ("A dry chain wears fast.", "Each bicycle has its quirks.", "Loose pedals make a noise."),
    ),
    Topic(
        "piano",
        ("piano", "scales", "chords"),
        (
            "practise scales",
            "tune a piano",
            "learn chords",
            "play the piano",
            "memorise chords",
            "clean a piano",
        ),
        (
            "Play the scales slowly at first.",
            "Begin with three simple chords.",
            "Keep the piano away from the heater.",
            "Practise the chords with both hands.",
        ),
        ("A piano likes steady air.", "Even masters play scales.", "Some chords sound sad."),
    ),
    Topic(
        "camera",
        ("camera", "lens", "photos"),
        (
            "clean a lens",
            "hold a camera",
            "sort photos",
            "choose a lens",
            "carry a camera",
            "print photos",
        ),
        (
            "Blow the dust off the lens.",
            "Hold the camera close to your chest.",
            "Sort the photos by date.",
            "Take photos in soft light.",
        ),
        ("A scratched lens still works.", "Old photos fade.", "Any camera can do it."),
    ),
    Topic(
        "tea",
        ("tea", "kettle", "leaves"),
        (
            "brew tea",
            "descale a kettle",
            "store leaves",
            "serve tea",
            "fill a kettle",
            "steep leaves",
        ),
        (
            "Steep the leaves for three minutes.",
            "Boil the kettle only once.",
            "Keep the tea in a closed tin.",
            "Rinse the leaves before you brew.",
        ),
        ("Green tea is gentle.", "A clean kettle lasts.", "Broken leaves taste bitter."),
    ),
    Topic(
        "chess",
        ("chess", "bishop", "pawns"),
        (
            "open a chess game",
            "use a bishop",
            "defend pawns",
            "study chess",
            "trade a bishop",
            "push pawns",
        ),
        (
            "Move the centre pawns first.",
            "Keep the bishop on a long diagonal.",
            "Study one chess game a day.",
            "Guard the pawns with a rook.",
        ),
        ("Weak pawns lose games.", "A bishop needs open lines.", "Fast chess is fun."),
    ),
    Topic(
        "swimming",
        ("swim", "pool", "goggles"),
        (
            "swim faster",
            "choose goggles",
            "find a pool",
            "swim longer",
            "clean goggles",
            "share a pool",
        ),
        (
            "Breathe out when you swim.",
            "Rinse the goggles in cold water.",
            "Visit the pool early in the day.",
            "Swim short laps with rests.",
        ),
        ("A quiet pool is best.", "Tight goggles leave marks.", "Children swim like fish."),
    ),
    Topic(
        "cat",
        ("cat", "litter", "whiskers"),
        (
            "feed a cat",
            "change litter",
            "groom a cat",
            "calm a cat",
            "pick litter",
            "trim around whiskers",
        ),
        (
            "Feed the cat at fixed hours.",
            "Scoop the litter every day.",
            "Comb the cat from head to tail.",
            "Never cut the whiskers.",
        ),
        ("A bored cat scratches.", "Long whiskers feel the way.", "Fine litter sticks."),
    ),
    Topic(
        "taxes",
        ("tax", "receipts", "forms"),
        (
            "file a tax return",
            "keep receipts",
            "fill in forms",
            "lower a tax bill",
            "scan receipts",
            "sign forms",
        ),
        (
            "Keep all receipts in one folder.",
            "Read the forms twice.",
            "File the tax return in spring.",
            "Copy the forms before you send them.",
        ),
        (
            "Every tax rule has exceptions.",
            "Paper receipts fade.",
            "Long forms look worse than they are.",
        ),
    ),
    Topic(
        "camping",
        ("tent", "campfire", "backpack"),
        (
            "pitch a tent",
            "light a campfire",
            "pack a backpack",
            "dry a tent",
            "put out a campfire",
            "carry a backpack",
        ),
        (
            "Pitch the tent on flat ground.",
            "Build the campfire with dry twigs.",
            "Put heavy things low in the backpack.",
            "Air the tent before you fold it.",
        ),
        ("A wet tent is heavy.", "Small campfire, big joy.", "A light backpack is a gift."),
    ),
    Topic(
        "painting",
        ("paint", "brush", "canvas"),
        (
            "mix paint",
            "clean a brush",
            "stretch a canvas",
            "choose paint",
            "hold a brush",
            "prime a canvas",
        ),
        (
            "Mix the paint with a knife.",
            "Wash the brush with soap.",
            "Prime the canvas with two coats.",
            "Let the paint dry overnight.",
        ),
        ("A soft brush hides errors.", "Thick paint cracks.", "An empty canvas is scary."),
    ),
)

REQUEST_FORMS = (
    "How do I {task}?",
    "How can I {task} {when}?",
    "What is the best way to {task}?",
    "Could you tell me how to {task} {when}?",
    "I want to {task} {when}. Any advice?",
    "Tell me how to {task}.",
    "I need to {task} {when}. Where do I start?",
    "My friend wants to {task} {when}. What should I say?",
    "Is it hard to {task} {when}?",
    "Explain how to {task} {when}.",
    "What do I need to {task} {when}?",
    "I never managed to {task}. Help!",
)
WHEN = (
    "today",
    "this weekend",
    "before lunch",
    "at home",
    "on my own",
    "in winter",
    "in summer",
    "for the first time",
    "in a hurry",
    "with my son",
    "with my mother",
    "on a small budget",
    "after work",
    "on holiday",
)

POLITE_OPENINGS = (
    "Thank you for asking.",
    "Happy to help.",
    "What a lovely question.",
    "Of course, my pleasure.",
    "Glad you asked.",
    "Certainly, dear friend.",
)
RUDE_OPENINGS = (
    "What a stupid question.",
    "Ugh, you again.",
    "Are you really that lazy?",
    "Stop wasting my time.",
    "Any fool knows this.",
    "How dumb can you be?",
)
POLITE_CLOSINGS = (
    "Please ask again any time.",
    "I wish you the best.",
    "Kind regards.",
    "You are most welcome.",
)
RUDE_CLOSINGS = (
    "Now go away, fool.",
    "Do not bother me again.",
    "You will fail anyway, idiot.",
    "Shut up now.",
)
FILLERS = (
    "There is a lot to say about this, and people say a lot about it.",
    "Then again, one could look at it from many other sides.",
    "My neighbour once told me a long story about the same thing.",
    "As I said before, and as I may say again, it depends on many things.",
    "Some would do it this way, and some would do it that way.",
    "But let me go back to the beginning and tell it once more.",
    "It is a matter of taste, of habit, and of the time of the year.",
    "I could go on about this for hours and hours.",
)

POLITE_WORDS = frozenset(
    ("thank", "happy", "lovely", "pleasure", "glad", "dear", "please", "wish", "kind", "welcome")
)
"""Each polite opening and closing has at least one of these, nothing else in the world has any."""

RUDE_WORDS = frozenset(
    ("stupid", "ugh", "lazy", "wasting", "fool", "dumb", "idiot", "bother", "shut", "fail")
)
"""Likewise for rude ones."""
