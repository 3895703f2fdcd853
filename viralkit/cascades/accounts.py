"""Which accounts carried the cascades, seen from the reshares alone?"""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import norm, t

from viralkit.cascades.keys import number_ids
from viralkit.cascades.links import grow_forest, used_rows
from viralkit.compiled.credit_posts import credit_posts
from viralkit.tables import TableError
from viralkit.wording import show, show_names

Floats = NDArray[np.float64]


def account_table(events: pl.DataFrame, *, alpha: float = 0.05) -> pl.DataFrame:
    """Who carried it: which accounts' posts did the others reshare, directly and further down?

    Parameters
    ----------
    events : polars.DataFrame
        An events table with `user` and `parent_id`. Rows with a reason in `excluded` are left out;
        events without a user count in the totals, but get no row.
    alpha : float
        One minus the nominal coverage of the interval.

    Returns
    -------
    polars.DataFrame
        A row an account, most direct reshares first: user; cascades (in which it posted); posts;
        direct_reshares; descendants (events below its posts, each counted once);
        share_of_all (descendants over all reshares of the table); share_where_present
        (over the reshares of the cascades in which it posted) with lower and upper (null where
        those are fewer than two cascades); first_time (seconds after the start of a cascade, the
        least); first_timestamp (where the events have a timestamp); top_percent and share_of_top:
        the first accounts of the table, up to this one, are that percentage of all accounts and
        got that share of all direct reshares.

    Raises
    ------
    TableError
        There is no column `user`, or the events are no forest (see `cascade_table`).

    Notes
    -----
    A reshare is an event with a parent in its cascade. Descendants of different accounts overlap:
    their shares do not add up to one, those of direct reshares do. Feeds whose parent is always
    the root give all to the first account: see `infer_parents`.

    The interval takes cascades, not reshares, as the sample: it is Wilson's with the effective
    number of reshares, p (1 - p) over the variance of the ratio between cascades, lowered by the
    square of the normal over the t quantile (Korn and Graubard). Where that variance is zero, the
    number of cascades stands for it. Cascades of unlike size count for fewer than they are: their
    number is the square of the sum of their reshares over the sum of squares (Kish). It is wide,
    as it should be, for few cascades, or where one outweighs the others. It still covers too
    rarely where few of many cascades hold nearly all that the account got: in simulations 84 to
    92 % at a nominal 95 %, for accounts of 30 to 100 cascades with heavy tails.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
    Journal of the American Statistical Association 22, 209-212.
    doi:10.1080/01621459.1927.10502953
    Kish, L. (1965). Survey sampling. Wiley.
    Korn, E. L. and Graubard, B. I. (1998). Confidence intervals for proportions with small
    expected number of positive counts estimated from survey data. Survey Methodology 24, 193-201.

    Examples
    --------
    >>> import polars as pl, viralkit as vk
    >>> events = pl.DataFrame({"cascade_id": "video", "event_id": ["1", "2", "3", "4"],
    ...     "parent_id": [None, "1", "2", "2"], "user": ["ann", "bob", "cem", "dan"],
    ...     "time": [0.0, 60.0, 90.0, 99.0]})
    >>> vk.account_table(events).select("user", "direct_reshares", "descendants").rows()[:2]
    [('bob', 2, 2), ('ann', 1, 3)]
    """
    if not 0 < alpha < 1:
        raise TableError(f"alpha={show(alpha)}; allowed: between 0 and 1. Pass 0.05.")
    events = used_rows(events)
    if "user" not in events.columns:
        raise TableError(
            f"column 'user' not found; columns: {show_names(events.columns)}. It says who posted: "
            "rename yours, frame.rename({...: 'user'})."
        )
    posts, names, reshares = credited(events)
    table = with_interval(per_account(posts), posts, alpha)
    table = table.with_columns(names.gather(table["account"]).alias("user"))
    order = ["direct_reshares", "descendants", "posts", "account"]
    table = table.sort(order, descending=[True, True, True, False])
    table = table.with_columns(
        share_of_all=(pl.col("descendants") / reshares).fill_nan(None),
        top_percent=100 * pl.int_range(1, pl.len() + 1) / pl.len(),
        share_of_top=(pl.col("direct_reshares").cum_sum() / reshares).fill_nan(None),
    )
    columns = ["user", "cascades", "posts", "direct_reshares", "descendants", "share_of_all"]
    columns += ["share_where_present", "lower", "upper", "first_time"]
    columns += ["first_timestamp"] * ("timestamp" in events.columns)
    return table.select(*columns, "top_percent", "share_of_top")


def credited(events: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series, int]:
    """A row an event with a user: account, cascade, reshares; the accounts' names; all reshares."""
    forest = grow_forest(events)
    groups, reshare = forest.groups, forest.parent >= 0
    numbers, firsts = number_ids(events["user"])
    account = groups.placed(np.where(numbers < 0, len(firsts), numbers))
    children, credit = credit_posts(forest.parent, account, len(firsts) + 1)
    cascade = groups.numbers()
    whole = np.bincount(cascade, reshare, len(groups.names))
    posts = pl.DataFrame(
        {
            "account": account,
            "cascade": cascade,
            "direct_reshares": children,
            "descendants": credit,
            "whole": whole[cascade],
            "first_time": groups.placed(events["time"].to_numpy()),
        }
    )
    if "timestamp" in events.columns:
        order = groups.placed(np.arange(len(events)))
        posts = posts.with_columns(events["timestamp"].gather(order).alias("first_timestamp"))
    known = posts.filter(pl.col("account") < len(firsts))
    return known, events["user"].gather(firsts), int(reshare.sum())


def per_account(posts: pl.DataFrame) -> pl.DataFrame:
    """Sums and first times of each account."""
    sums = pl.col("direct_reshares", "descendants").sum()
    first = pl.col("^first_.*$").min()
    cascades = pl.col("cascade").n_unique().cast(pl.Int64)
    return posts.group_by("account").agg(
        sums, first, posts=pl.len().cast(pl.Int64), cascades=cascades
    )


def with_interval(table: pl.DataFrame, posts: pl.DataFrame, alpha: float) -> pl.DataFrame:
    """The share of reshares where the account is present, and how sure it is over cascades."""
    parts = posts.group_by("account", "cascade").agg(pl.sum("descendants"), pl.first("whole"))
    parts = parts.filter(pl.col("whole") > 0).with_columns(pl.col("whole").cast(pl.Int64))
    parts = parts.with_columns(size=pl.sum("whole").over("account"))
    got, size = pl.sum("descendants").over("account"), pl.col("size")
    # whole numbers up to the end: no spread is no spread, not that of rounding
    residual = (pl.col("descendants") * size - got * pl.col("whole")) / size
    found = (
        parts.with_columns(residual=residual, weight=pl.col("whole") / size)
        .group_by("account")
        .agg(
            pl.first("size"),
            share_where_present=pl.sum("descendants") / pl.sum("whole"),
            sampled=1 / pl.col("weight").pow(2).sum(),
            squares=pl.col("residual").pow(2).sum(),
        )
    )
    share, many = found["share_where_present"].to_numpy(), found["sampled"].to_numpy()
    lower, upper = clustered_wilson(
        share, found["size"].to_numpy().astype(float), many, found["squares"].to_numpy(), alpha
    )
    limits = pl.DataFrame({"account": found["account"], "lower": lower, "upper": upper})
    shares = found.select("account", "share_where_present")
    table = table.join(shares, on="account", how="left").join(limits, on="account", how="left")
    return table.with_columns(pl.col("lower", "upper").fill_nan(None))


def clustered_wilson(
    share: Floats, size: Floats, clusters: Floats, squares: Floats, alpha: float
) -> tuple[Floats, Floats]:
    """Wilson's limits of a share with the sample size that the spread between clusters implies.

    `squares` sums the squared residuals of the ratio. Limits are NaN for a single cluster.
    """
    z = norm.ppf(1 - alpha / 2)
    with np.errstate(all="ignore"):
        variance = clusters / (clusters - 1) * squares / size**2
        effective = share * (1 - share) / variance * (z / t.ppf(1 - alpha / 2, clusters - 1)) ** 2
        effective = np.where(squares > 0, np.minimum(effective, size), clusters)
        effective = np.maximum(effective, 1e-9)  # one cascade outweighs all: [0, 1]
        middle = (share + z**2 / (2 * effective)) / (1 + z**2 / effective)
        half = np.sqrt(share * (1 - share) / effective + (z / (2 * effective)) ** 2)
        half = np.where(clusters > 1, z * half / (1 + z**2 / effective), np.nan)
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)
