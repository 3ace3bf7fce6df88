import numpy as np
import pytest

from penchant.errors import ConfigError, InputError, TooLittleDataError
from penchant.evaluation.off_policy import ips, snips

# Five actions; the policy that ran prefers the bad ones, the one to be judged the good ones.
RATES = np.array([0.05, 0.1, 0.2, 0.5, 0.8])
RAN = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
JUDGED = np.array([0.05, 0.05, 0.1, 0.3, 0.5])
TRUTH = float(RATES @ JUDGED)


def logged(lines: int, seed: int, ran: np.ndarray = RAN) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rewards, logged propensities and the other policy's probabilities of a log."""
    rng = np.random.default_rng(seed)
    actions = rng.choice(len(ran), lines, p=ran)
    return (rng.random(lines) < RATES[actions]).astype(float), ran[actions], JUDGED[actions]


@pytest.mark.parametrize("estimator", [ips, snips])
def test_the_value_of_another_policy_is_recovered_where_the_mean_of_the_log_is_far_off(estimator) -> None:
    rewards, ran, judged = logged(20_000, seed=0)
    estimate = estimator(rewards, ran, judged)
    assert estimate.value == pytest.approx(TRUTH, abs=0.03)
    assert estimate.low < TRUTH < estimate.high
    assert abs(rewards.mean() - TRUTH) > 0.3
    assert abs(float(np.mean(rewards)) - float(RAN @ RATES)) < 0.02, "it is the value of the policy that ran"


@pytest.mark.parametrize("estimator", [ips, snips])
def test_intervals_hold_the_truth_as_often_as_they_say(estimator) -> None:
    estimates = [estimator(*logged(1500, seed), confidence=0.9) for seed in range(300)]
    held = np.mean([estimate.low <= TRUTH <= estimate.high for estimate in estimates])
    assert 0.86 <= held <= 0.94
    wide = estimator(*logged(1500, 0), confidence=0.99)
    assert wide.low < estimates[0].low < estimates[0].high < wide.high


def test_self_normalising_varies_less_where_rewards_are_high_and_stays_within_their_range() -> None:
    def shifted(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rewards, ran, judged = logged(300, seed)
        return rewards + 5, ran, judged

    plain = np.array([ips(*shifted(seed)).value for seed in range(200)])
    normalised = np.array([snips(*shifted(seed)).value for seed in range(200)])
    assert normalised.std() < plain.std() / 4
    assert normalised.max() <= 6
    assert plain.max() > 6


def test_a_clip_trades_variance_for_bias_and_counts_what_it_cut() -> None:
    free = np.array([ips(*logged(400, seed)).value for seed in range(200)])
    clipped = [ips(*logged(400, seed), clip=4) for seed in range(200)]
    values = np.array([estimate.value for estimate in clipped])
    assert values.std() < 0.7 * free.std()
    assert values.mean() < TRUTH - 0.1
    assert abs(free.mean() - TRUTH) < 0.02
    rewards, ran, judged = logged(400, 0)
    assert clipped[0].clipped == np.count_nonzero(judged / ran > 4) > 0
    assert ips(rewards, ran, judged, clip=1000).value == ips(rewards, ran, judged).value


def test_the_effective_size_says_how_much_of_the_log_speaks() -> None:
    rewards, ran, judged = logged(1000, 0)
    assert ips(rewards, ran, ran).effective == pytest.approx(1000)
    assert ips(rewards, ran, judged).effective < 300
    assert ips(rewards, ran, ran).value == pytest.approx(rewards.mean())


def test_lines_of_one_member_that_hang_together_widen_the_interval() -> None:
    rewards, ran, judged = logged(500, 0)
    copied = [np.repeat(values, 10) for values in (rewards, ran, judged)]
    once = snips(rewards, ran, judged)
    blind = snips(*copied)
    grouped = snips(*copied, groups=np.repeat(np.arange(500), 10))
    assert grouped.value == pytest.approx(once.value)
    assert grouped.high - grouped.low == pytest.approx(once.high - once.low, rel=0.01)
    assert blind.high - blind.low < 0.4 * (once.high - once.low)


@pytest.mark.parametrize("estimator", [ips, snips])
@pytest.mark.parametrize(
    ("arguments", "options", "error", "told"),
    [
        (([1, 0], [0.5], [1, 1]), {}, InputError, "shapes"),
        (([1], [0.5], [1]), {}, TooLittleDataError, "at least 2 lines"),
        (([1, np.nan], [0.5, 0.5], [1, 1]), {}, InputError, "1 rewards are not finite"),
        (([1, 0], [0.5, 0], [1, 1]), {}, InputError, "propensity of line 1 is 0.0; it must be above 0"),
        (([1, 0], [0.5, 0.5], [1, 2]), {}, InputError, "probability of line 1 is 2.0"),
        (([1, 0], [0.5, 0.5], [1, 1]), {"clip": 0}, ConfigError, "a clip of 0"),
        (([1, 0], [0.5, 0.5], [1, 1]), {"confidence": 1}, ConfigError, "a confidence of 1"),
        (([1, 0], [0.5, 0.5], [1, 1]), {"groups": [1]}, InputError, "1 groups for 2 lines"),
        (([1, 0], [0.5, 0.5], [1, 1]), {"groups": [1, 1]}, TooLittleDataError, "at least 2 of them"),
    ],
)
def test_what_makes_no_sense_is_refused(estimator, arguments, options, error, told) -> None:
    with pytest.raises(error, match=told):
        estimator(*arguments, **options)


def test_a_log_without_any_choice_of_the_other_policy_says_nothing_of_it() -> None:
    with pytest.raises(TooLittleDataError, match="none of the 2 choices"):
        snips([1, 0], [0.5, 0.5], [0, 0])
    assert ips([1, 0], [0.5, 0.5], [0, 0]).effective == 0
