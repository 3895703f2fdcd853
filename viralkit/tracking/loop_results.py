"""What a loop forecast tells: users by cycle, where it ends, and whether a reward pays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor, inf

import polars as pl

from viralkit.tracking.loop_growth import (
    Convention,
    Growth,
    Known,
    chance_of,
    doubling_of,
    factor_of,
    grow,
    limits_of,
    multiplier_of,
)
from viralkit.wording import show

WHO = {
    "new_users_invite": "only new users invite, once, in the cycle after their sign-up",
    "everyone_invites_again": "all active users invite again in every cycle",
}
NAMES = ("estimate", "lower", "upper")
ENDS = ("", "_lower", "_upper")


@dataclass(frozen=True)
class LoopForecast:
    """A referral loop foreseen: how many users, by when, and where it ends.

    Attributes
    ----------
    k : Known
        estimate, lower, upper (None where K was given as a number).
    cycle_days, users, until_days, churn, inflow, convention
        As given to `loop_forecast`.
    """

    k: Known
    cycle_days: float
    users: float
    until_days: float
    churn: float
    inflow: float
    convention: Convention

    @property
    def cycles(self) -> int:
        """How many whole cycles the forecast holds."""
        return floor(self.until_days / self.cycle_days * (1 + 1e-12))

    @property
    def stay(self) -> float:
        """The share of the active users who are still active a cycle later."""
        return float((1 - self.churn) ** self.cycle_days)

    @property
    def multiplier(self) -> float:
        """How many users come in all for each who comes uninvited; 1 / (1 - K) where K < 1."""
        return multiplier_of(self.k.estimate, self.stay, self.convention)

    @property
    def ceiling(self) -> float:
        """How many users there will ever have been; infinite where growth or inflow go on."""
        return self._ceiling(self.k.estimate)

    @property
    def warnings(self) -> list[str]:
        """What the forecast cannot know, each with what to do about it."""
        end = self.cycles * self.cycle_days
        found = {
            f"Only whole cycles of {self.cycle_days:g} days are counted: the last one ends on day "
            f"{end:g} of {self.until_days:g}.": end < self.until_days * (1 - 1e-9),
            "K was given without an interval, so the forecast has none: pass the frame of k_factor "
            "instead of a number.": self.k.lower is None,
            "The interval of growth per cycle holds 1: whether the loop grows by itself or needs a "
            "push for every user cannot be told. Count more users.": self._is_open(),
            "The loop grows without end here; a market does not. Trust the first cycles only, and "
            "see power_of(audience=…) for a finite crowd.": self._growth(self.k.estimate) > 1,
            "All active users are taken to bring K new ones again in every cycle, so K must be per "
            "user and cycle; a K per user, as k_factor counts it, belongs to convention="
            '"new_users_invite".': self.convention == "everyone_invites_again",
        }
        return [text for text, holds in found.items() if holds]

    def frame(self) -> pl.DataFrame:
        """How many users at the end of each cycle?

        Returns
        -------
        polars.DataFrame
            cycle, time_days, new (who signed up in the cycle), active (those who have not left),
            total (all who ever signed up), each with …_lower and …_upper: a prediction interval
            from that of K and from chance, null where K has none.
        """
        cycles, k = range(self.cycles + 1), self.k
        columns: dict[str, object] = {"cycle": cycles}
        columns["time_days"] = [cycle * self.cycle_days for cycle in cycles]
        run = self._grow(k.estimate)
        for place, name in enumerate(Growth._fields):
            columns[name] = run[place]
            for end, limits in zip(ENDS[1:], self._limits(run), strict=True):
                columns[f"{name}{end}"] = limits[place] if limits else [None] * len(cycles)
        floats = [name for name in columns if name != "cycle"]
        return pl.DataFrame(columns, schema_overrides=dict.fromkeys(floats, pl.Float64))

    def derived(self) -> pl.DataFrame:
        """What follows from K: growth, doubling, what an inflow is multiplied by, the ceiling?

        Returns
        -------
        polars.DataFrame
            quantity, estimate, lower, upper. Of what is expected, the interval is that of K alone:
            k_factor; growth_per_cycle (the factor of each cycle in the long run); days_to_double
            (infinite where it does not grow by itself); multiplier (users in all for each who comes
            uninvited); ceiling (users who will ever have been; chance may lead past both ends). Of
            users it holds chance as well: users_in_all, users_active, users_referred at the end.
        """
        stay, how = self.stay, self.convention
        rows = [
            ("k_factor", *self._over(lambda k: k)),
            ("growth_per_cycle", *self._over(self._growth)),
            ("days_to_double", *self._over(lambda k: doubling_of(k, stay, how, self.cycle_days))),
            ("multiplier", *self._over(lambda k: multiplier_of(k, stay, how))),
            ("ceiling", *self._over(self._ceiling)),
            ("users_in_all", *self._last("total")),
            ("users_active", *self._last("active")),
            ("users_referred", *self._referred()),
        ]
        return _table(rows)

    def rewards(
        self,
        reward: float,
        extra_value: float,
        *,
        value: float = 0.0,
        would_come_anyway: float = 1.0,
    ) -> pl.DataFrame:
        """Does a reward for each referred customer pay, and up to which reward?

        Parameters
        ----------
        reward : float
            Paid for each referred customer, to both sides together.
        extra_value : float
            By how much a referred customer is worth more than another over their lifetime, in the
            same money; below zero if less.
        value : float
            What an ordinary customer is worth.
        would_come_anyway : float
            The share of the referred who would have come without a reward. By default all: the
            reward then buys nothing but the extra value, as in the published example.

        Returns
        -------
        polars.DataFrame
            quantity, estimate, lower, upper. Per customer: cost_per_referred_customer,
            cost_per_additional_customer (of those who would not have come; infinite if there are
            none), gain_per_referred_customer, break_even_reward, return_on_reward (.6: sixty cents
            on top of each unit paid). Over the forecast: referred_customers, reward_paid,
            value_uplift, net_gain. Intervals are those of the forecast; money per customer is taken
            as given and has none (null).

        Raises
        ------
        ValueError
            A number is out of its range, or a `value` is missing.

        References
        ----------
        Schmitt, P., Skiera, B. and Van den Bulte, C. (2011). Referral programs and customer value.
        Journal of Marketing 75(1), 46-59. doi:10.1509/jm.75.1.46

        Examples
        --------
        >>> import viralkit as vk
        >>> table = vk.loop_forecast(0.2, 30, users=1000).rewards(25, 40)
        >>> table.filter(quantity="return_on_reward")["estimate"].item()
        0.6
        """
        _check_rewards(reward, extra_value, value, would_come_anyway)
        gain = extra_value + (1 - would_come_anyway) * value
        extra = 1 - would_come_anyway
        each = {
            "cost_per_referred_customer": reward,
            "cost_per_additional_customer": reward / extra if extra else inf,
            "gain_per_referred_customer": gain,
            "break_even_reward": max(gain, 0.0),
            "return_on_reward": (gain - reward) / reward if reward else inf,
        }
        over_all = {"referred_customers": 1.0, "reward_paid": reward, "value_uplift": gain}
        over_all["net_gain"] = gain - reward
        referred = self._referred()
        rows: list[tuple[object, ...]] = [(name, one, None, None) for name, one in each.items()]
        for name, one in over_all.items():
            found = sorted(one * r for r in referred[1:] if r is not None)
            ends: Sequence[float | None] = found or (None, None)
            rows.append((name, one * float(referred[0] or 0.0), *ends))
        return _table(rows)

    def summary(self) -> str:
        """Return the forecast in words and numbers, with its convention and warnings."""
        last = self.frame().row(-1, named=True)
        ends = last["total_lower"], last["total_upper"]
        lines = [
            f"Referral loop: {WHO[self.convention]}",
            f"K {_told(*self.k[:3])}, cycle {self.cycle_days:g} days, {self.users:g} users at "
            f"first, churn {self.churn:g} per day, inflow {self.inflow:g} per day",
            f"Users in all after {last['time_days']:g} days: {_told(last['total'], *ends)}",
        ]
        table = self.derived().filter(pl.col("quantity").is_in(["multiplier", "ceiling"]))
        alone = "" if self.k.lower is None else " (interval from that of K alone, without chance)"
        for name, *rest in table.iter_rows():
            lines.append(f"Expected {name}{alone}: {_told(*rest)}")
        return "\n".join([*lines, *(f"[{i}] {w}" for i, w in enumerate(self.warnings, 1))])

    def __repr__(self) -> str:
        return (
            f"<LoopForecast: K {_told(*self.k[:3])}, {self.convention}; see .summary(), .frame()>"
        )

    def _grow(self, k: float) -> Growth:
        inflow = self.inflow * self.cycle_days
        return grow(k, self.stay, self.users, inflow, self.cycles, self.convention)

    def _limits(self, run: Growth) -> tuple[Growth | None, Growth | None]:
        """The ends of the prediction intervals, if K has an interval."""
        if self.k.lower is None or self.k.upper is None:
            return None, None
        chance = chance_of(self.k, self.stay, run, self.convention)
        others = [self._grow(k) for k in (0.0, self.k.lower, self.k.upper)]
        return limits_of([run, *others], chance, self.k.quantile)

    def _growth(self, k: float) -> float:
        return factor_of(k, self.stay, self.convention)

    def _ceiling(self, k: float) -> float:
        return inf if self.inflow else self.users * multiplier_of(k, self.stay, self.convention)

    def _last(self, name: str) -> list[float | None]:
        """A number of users at the end, with its interval."""
        return list(self.frame().row(-1, named=True)[f"{name}{end}"] for end in ENDS)

    def _referred(self) -> list[float | None]:
        """How many have come by invitation."""
        uninvited = self.users + self.cycles * self.inflow * self.cycle_days
        return [None if n is None else max(n - uninvited, 0.0) for n in self._last("total")]

    def _over(self, function: Callable[[float], float]) -> list[float | None]:
        """A quantity at K and at the ends of its interval, the smaller first."""
        estimate, lower, upper = (None if k is None else function(k) for k in self.k[:3])
        if lower is not None and upper is not None and lower > upper:
            lower, upper = upper, lower
        return [estimate, lower, upper]

    def _is_open(self) -> bool:
        _, lower, upper = self._over(self._growth)
        return lower is not None and upper is not None and lower < 1 <= upper


def _table(rows: Sequence[tuple[object, ...]]) -> pl.DataFrame:
    schema = {"quantity": pl.String, **dict.fromkeys(NAMES, pl.Float64)}
    return pl.DataFrame(rows, schema, orient="row")


def _told(estimate: float, lower: float | None, upper: float | None) -> str:
    """A number with its interval in words."""
    known = [number for number in (estimate, lower, upper) if number is not None]
    texts = ["∞" if number == inf else f"{number:,.4g}" for number in known]
    return texts[0] if lower is None else f"{texts[0]} ({texts[1]} to {texts[2]})"


def _check_rewards(reward: float, extra_value: float, value: float, anyway: float) -> None:
    if not 0 <= reward < inf:
        raise ValueError(f"reward={show(reward)}; allowed: zero or more. Pass what is paid.")
    for name, amount in (("extra_value", extra_value), ("value", value)):
        if not -inf < amount < inf:
            raise ValueError(f"{name}={show(amount)}; allowed: a finite number. Pass an amount.")
    if not 0 <= anyway <= 1:
        raise ValueError(
            f"would_come_anyway={show(anyway)}; allowed: a share, 0 to 1. Pass 1 if all would."
        )
    if anyway < 1 and not value:
        raise ValueError(
            f"would_come_anyway={show(anyway)} without value=; allowed with what an ordinary "
            "customer is worth. Pass value=, since the others are won by the reward."
        )
