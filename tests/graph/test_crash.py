from benchmarks.crash import survive


def test_a_killed_process_leaves_a_store_that_is_whole(tmp_path):
    outcome = survive(tmp_path, times=5)

    assert outcome.faults == []
    assert outcome.kills.total() == 5
    assert outcome.acknowledged["write"] > 0
