from service.batching.fairness import FairShares


def turns(shares: FairShares, costs: dict[str, float], count: int) -> list[str]:
    taken = []
    for _ in range(count):
        taken.append(shares.next_of(costs))
        shares.charge(taken[-1], costs[taken[-1]])
    return taken


def test_models_get_equal_work_and_not_equal_turns() -> None:
    taken = turns(FairShares(), {"large": 300.0, "small": 100.0}, 400)
    assert taken.count("small") == 3 * taken.count("large")


def test_a_model_that_was_idle_saves_nothing_up() -> None:
    shares = FairShares()
    turns(shares, {"busy": 1.0}, 1000)
    taken = turns(shares, {"busy": 1.0, "back": 1.0}, 10)
    assert taken.count("back") == 5


def test_models_that_are_gone_are_forgotten() -> None:
    shares = FairShares()
    for number in range(10_000):
        shares.charge(f"model {number}", 1.0)
        shares.charge("steady", 1.0)
    assert len(vars(shares)["_tags"]) < 200
