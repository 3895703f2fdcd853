"""The README's Python runs as it stands, on files such as its reader would bring."""

import itertools
import math
import os
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"
CODE = re.findall(r"^```python\n(.*?)^```", README.read_text("utf-8"), re.DOTALL | re.MULTILINE)
DAYS = 120
FILES = {
    "my_posts.csv": "id,thread_id,author,body,timestamp\n"
    "p1,p1,ann,look,2026-01-01 10:00:00\np2,p1,bob,yes,2026-01-01 10:05:00\n",
    "my_cascades.txt": "m1\tann\t1465833600\t4\tann:0 ann/bob:60 ann/bob/cy:90 ann/dan:95\n"
    "broken\n",
    "my_clicks.csv": "time,url,referrer,user,action\n"
    "2026-01-01 10:00:00,https://a.org/?utm_source=newsletter,,ann,visit\n"
    "2026-01-01 10:01:00,https://a.org/,https://a.org/,ann,share\n"
    "2026-01-02 10:00:00,https://a.org/?ref=ann,https://m.facebook.com/,bob,visit\n"
    "2026-01-02 10:03:00,https://a.org/,https://a.org/,bob,conversion\n",
}


def own_file(code: str) -> str:
    """Write the file that a call of `read_counts` expects: daily counts that rise and level off."""
    names = dict(re.findall(r'\b(time|count|item|kind)="([^"]+)"', code))
    total = [round(50_000 / (1 + math.exp((45 - day) / 9))) for day in range(DAYS + 1)]
    steps = [after - before for before, after in itertools.pairwise(total)]
    values = steps if names.get("kind") == "incremental" else total
    dates = [date(2026, 1, 1) + timedelta(days=day) for day in range(len(values))]
    lines = [f"{names.get('time', 'time')},{names.get('count', 'count')}"]
    return "\n".join(lines + [f"{day},{value}" for day, value in zip(dates, values, strict=True)])


def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not CODE:
        pytest.skip("README.md has no python block yet")
    monkeypatch.chdir(tmp_path)
    code = "\n".join(CODE)
    for name in re.findall(r'"([\w-]+\.csv)"', code):
        Path(name).write_text(own_file(code), encoding="utf-8")
    for name, text in FILES.items():
        assert f'"{name}"' in code
        Path(name).write_text(text, encoding="utf-8")
    space: dict[str, Any] = {}
    for block in CODE:
        exec(compile(block, "README.md", "exec"), space)
    assert space["posts"]["cascade_id"].to_list() == ["p1", "p1"]
    assert space["cascades"].select("size", "depth").rows() == [(4, 2)]
    assert space["channels"].select("channel", "reproduction_number").row(0) == ("e-mail", 1.0)
    pictures = ("forecast", "cascade", "sizes", "channels", "loop")
    assert all(Path(f"{name}.png").exists() for name in pictures)


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", README.read_text("utf-8")))
def test_a_link_of_the_readme_leads_somewhere(link: str) -> None:
    assert os.path.exists(README.parent / link)
