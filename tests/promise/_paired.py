"""What the scripts share that hold a promise over seeds: what a recipe fixes, and an interval over seeds and tasks."""
import random
import re


def said_in(recipe, name):
    """A "# name: value" line of the recipe."""
    return re.search(rf"^# {name}: (.*)$", recipe.read_text(), re.M).group(1)


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def paired(rows, resamples=10000):
    """95 % interval of the mean over seeds of the mean over tasks; seeds and tasks are drawn anew."""
    draw = random.Random(1)
    samples = sorted(mean(mean(draw.choices(row, k=len(row))) for row in (draw.choices(rows, k=len(rows)) if len(rows) > 2 else rows)) for _ in range(resamples))
    return samples[int(0.025 * resamples)], samples[int(0.975 * resamples) - 1]
