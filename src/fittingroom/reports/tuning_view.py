"""A tuning as its report shows it: numbers as text, tables as rows, charts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import ceil
from typing import TYPE_CHECKING, Any

from fittingroom.reports import charts, repeat_tuning
from fittingroom.reports import tuning_tables as tables
from fittingroom.reports.charts import Chart
from fittingroom.reports.conclusions_tuning import judge_company, judge_rates, judge_tuning
from fittingroom.reports.formats import (
    count,
    duration_in_words,
    interval,
    percent,
    recipe_value,
    seed_list,
)
from fittingroom.reports.repeat import versions_of
from fittingroom.reports.texts import Sentence, say
from fittingroom.reports.tuning_final import Final, final_of, lack_of_final
from fittingroom.reports.tuning_rates import RATE, Region, find_regions, varies_rate
from fittingroom.reports.tuning_story import what_to_mind, what_was_done

if TYPE_CHECKING:
    from fittingroom.tuning.tuning import Tuning

# Where the final's own report lies in the folder of a tuning.
FINAL_PAGE = "final/report.html"


@dataclass(frozen=True, eq=False)
class TuningView:
    """A tuning as a report needs it.

    Parameters
    ----------
    tuning
        It may be unfinished, and without a single trial.
    linked
        Whether the report of the final is written too, at `FINAL_PAGE`.
    """

    tuning: Tuning
    linked: bool = False

    @property
    def link(self) -> str:
        """Where the final's own report lies, as the page links to it."""
        return FINAL_PAGE

    @property
    def title(self) -> Sentence:
        """What the report is about."""
        return say("tuning.title", name=self.tuning.plan.name)

    @property
    def warnings(self) -> list[Sentence]:
        """What must not be overlooked."""
        return [say("page.frame.sketches")] if self.tuning.record["data"]["sketches"] else []

    @property
    def titles(self) -> dict[str, str]:
        """Section's id -> key of its title, in the order of the page; none without content."""
        tuning = self.tuning
        won = tuning.best is not None
        there = {
            "final": self.final is not None,
            "history": won,
            "importance": len(tuning.importance) > 1,
            "rate": won and varies_rate(tuning),
            "slices": won and bool(self.sliced),
            "front": won and tuning.plan.objective != "accuracy",
            "best": won or any(trial.state == "failed" for trial in tuning.trials),
        }
        names = ("done", "result", *there, "repeat", "cautions")
        return {name: f"tuning.sections.{name}" for name in names if there.get(name, True)}

    @cached_property
    def final(self) -> Final | None:
        """The winner against the start."""
        return final_of(self.tuning)

    @cached_property
    def regions(self) -> list[Region]:
        """Where the learning rate was too low or too high."""
        return find_regions(self.tuning)

    @property
    def hero(self) -> tuple[str, Sentence, list[Sentence]]:
        """The large number, what it is, and what belongs beside it."""
        best, final = self.tuning.best, self.final
        if final is not None:
            return percent(final.best.mean), *self.hero_of(final)
        if best is None or best.accuracy is None:
            return "0", say("tuning.hero.nothing"), []
        running = any(trial.state == "running" for trial in self.tuning.trials)
        name = say(f"tuning.hero.{'validation' if running else 'validation-alone'}")
        said = [say("tuning.hero.chosen"), say(f"tuning.hero.{lack_of_final(self.tuning)}")]
        return percent(best.mean), name, said

    def hero_of(self, final: Final) -> tuple[Sentence, list[Sentence]]:
        """Return what the winner's test accuracy is called, and what belongs beside it."""
        best = final.best
        if best.interval is None:
            name, scatter = "test-one-seed", say("tuning.hero.one-seed")
        else:
            numbers = {"n": count(best.n), "interval": interval(best.interval)}
            name, scatter = "test", say("tuning.hero.interval", **numbers)
        beside = [say("tuning.hero.same")] if final.alone else final.against
        return say(f"tuning.hero.{name}"), [scatter, *beside]

    @cached_property
    def done(self) -> list[Sentence]:
        """What was done, and on what data."""
        return what_was_done(self.tuning, self.final)

    @cached_property
    def conclusions(self) -> list[Sentence]:
        """What the numbers say."""
        return judge_tuning(self.tuning, self.final, self.regions)

    @property
    def cautions(self) -> list[Sentence]:
        """What the numbers do not say."""
        return what_to_mind(self.tuning, self.final)

    @property
    def facts(self) -> list[tuple[str, str | Sentence]]:
        """Key of a name and value, for the tuning in short."""
        record, plan = self.tuning.record, self.tuning.plan
        data = record["data"]
        found: dict[str, str | Sentence] = {
            "name": plan.name,
            "started": str(record.get("started", ""))[:16].replace("T", " "),
            "data-name": data["name"],
            "fingerprint": data["fingerprint"],
            "sizes": " / ".join(count(data[part]) for part in ("train", "validation", "test")),
            "objective": say(f"tuning.done.{plan.objective}"),
            "budget": self.budget,
            "seeds": seed_list(plan.seeds),
            "finalists": self.finalists,
            "final-seeds": seed_list(plan.final_seeds),
            "sampler": say("tuning.done.sampler-name", seed=plan.sampler_seed),
            "pruning": say(f"tuning.done.{'on' if plan.prune else 'off'}"),
            "device-name": record["environment"]["device_name"],
        }
        return [(f"tuning.done.{name}", value) for name, value in found.items() if value]

    @property
    def finalists(self) -> Sentence | str:
        """How many of the best trials are trained again, with which seeds; "" for none."""
        plan = self.tuning.plan
        if not plan.finalists:
            return ""
        seeds = seed_list(plan.further_seeds)
        return say("tuning.done.finalists-with", count=count(plan.finalists), seeds=seeds)

    @property
    def budget(self) -> Sentence:
        """How much work was asked for."""
        plan = self.tuning.plan
        trials = count(plan.trials or 0)
        if plan.seconds is None:
            return say("tuning.done.budget-trials", count=trials)
        time = duration_in_words(plan.seconds)
        if plan.trials is None:
            return say("tuning.done.budget-time", time=time)
        return say("tuning.done.budget-both", count=trials, time=time)

    @property
    def varied_heads(self) -> list[str]:
        """Keys of the heads of the table of what was varied."""
        return [f"tuning.done.{name}" for name in tables.VARIED_HEADS]

    @property
    def winner_fields(self) -> list[tuple[str, str, bool]]:
        """Every field of the winner's recipe: name, value, and whether the start has another."""
        best = self.tuning.best
        if best is None:
            return []
        start = self.tuning.plan.start.model_dump(mode="json", exclude={"seed"})
        fields = best.recipe.model_dump(mode="json", exclude={"seed"})
        return [(name, recipe_value(v), v != start[name]) for name, v in fields.items()]

    @property
    def sliced(self) -> dict[str, Any]:
        """The parameters with a small plot each: name -> what people call it."""
        large = {RATE} if varies_rate(self.tuning) else set()
        parameters = self.tuning.plan.space.parameters
        return {p.name: tables.words_of(p) for p in parameters if p.name not in large}

    @cached_property
    def charts(self) -> dict[str, Chart]:
        """The charts of the sections that are there, by the section's name."""
        tuning, names = self.tuning, tables.names_of(self.tuning)
        rate = next((p for p in tuning.plan.space.parameters if p.name == RATE), None)
        made: dict[str, Callable[[], Chart]] = {
            "history": lambda: charts.history(tuning),
            "importance": lambda: charts.importance(tuning.importance, names),
            "slices": lambda: charts.slices(tuning, self.sliced),
            "front": lambda: charts.trial_front(tuning),
        }
        if rate is not None:
            made["rate"] = lambda: charts.rate_slice(tuning, rate, names[RATE], self.regions)
        if self.final is not None:
            made["final"] = partial(final_chart, self.final)
        return {name: make() for name, make in made.items() if name in self.titles}

    @property
    def front_story(self) -> list[Sentence]:
        """How many trials are on the front, and what can be done with them."""
        told = [say("tuning.front.explained", count=count(len(self.tuning.front)))]
        return [*told, say("tuning.front.file")] if repeat_tuning.has_front(self.tuning) else told

    @property
    def best_caption(self) -> str:
        """Key of what the table of the best trials shows."""
        return f"tuning.best.caption{'-seeds' if len(self.tuning.plan.seeds) > 1 else ''}"

    @property
    def best_tenth(self) -> str:
        """How many trials PED-ANOVA holds against all, at least two."""
        return count(max(2, ceil(len(self.tuning.complete) / 10)))

    @property
    def rate_story(self) -> list[list[Sentence]]:
        """Where the learning rate was too low or too high, and what that rests on."""
        return judge_rates(self.tuning, self.regions)

    @property
    def rate_company(self) -> Sentence:
        """What else differs between the trials whose rates are shown."""
        return judge_company(self.tuning)

    @property
    def versions(self) -> list[tuple[str, str]]:
        """What the tuning was computed with."""
        return versions_of(self.tuning.record["environment"])

    @property
    def final_command(self) -> str:
        """The command line that writes the final's own report."""
        return repeat_tuning.final_command(self.tuning)

    @property
    def commands(self) -> list[tuple[str, str]]:
        """What to type: key of a heading, and the command line."""
        return repeat_tuning.commands(self.tuning)

    @property
    def python(self) -> str:
        """How to read the numbers with the library."""
        return repeat_tuning.python(self.tuning)

    @property
    def files(self) -> list[tuple[str, Sentence]]:
        """Which file holds what."""
        return repeat_tuning.files(self.tuning)


def final_chart(final: Final) -> Chart:
    """Draw the winner and the start by their test accuracy."""
    return replace(charts.ranking(final.results), caption=say("tuning.final.caption"))
