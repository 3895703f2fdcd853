"""Which layout records look like: a file that is read as another platform's is refused."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from viralkit.tables import TableError
from viralkit.wording import show

# keys that posts of one layout alone have
SIGNS = {
    "4cat": {"thread_id"},
    "x_v1": {"user", "id_str", "legacy"},
    "x_v2": {"author_id", "edit_history_tweet_ids", "referenced_tweets"},
    "bluesky": {"$type", "cid", "did"},
    "mastodon": {"account", "reblog"},
}
PAGES = ("data", "statuses", "records", "posts", "feed", "post")  # where pages hold their posts
RARE = 10  # a layout is refused if this many times more records look like another


@dataclass(eq=False)
class Looks:
    """How many records of a file look like the layout that it is read as, and like others."""

    layout: str
    records: int = 0
    own: int = 0
    others: Counter[str] = field(default_factory=Counter)

    def see(self, record: dict[str, Any]) -> None:
        """Count one record."""
        found = looks_of(record)
        self.records += 1
        if self.layout in found:
            self.own += 1
        else:
            self.others.update(found)

    def require(self, file: str) -> None:
        """Refuse a file where hardly any record has the layout, and most have another."""
        other, count = max(self.others.items(), key=lambda one: one[1], default=("", 0))
        if count < max(1, RARE * self.own) or 2 * count <= self.records:
            return
        keys = " or ".join(show(key) for key in sorted(SIGNS[self.layout]))
        raise TableError(
            f"layout={show(self.layout)} does not fit file {show(file)}: {self.own} of "
            f"{self.records} records look like it, {count} like {show(other)}; allowed: records "
            f"that have {keys}. Pass layout={show(other)}."
        )


def looks_of(record: dict[str, Any]) -> list[str]:
    """The layouts whose signs a record has, or the first post of a page."""
    keys, uri = set(record), record.get("uri")
    for name in PAGES:
        inside = record.get(name)
        inside = inside[0] if isinstance(inside, list) and inside else inside
        if isinstance(inside, dict):
            record, keys, uri = inside, keys | inside.keys(), inside.get("uri")
    if isinstance(uri, str) and uri.startswith("at://"):
        keys.add("$type")
    return [layout for layout, signs in SIGNS.items() if signs & keys]
