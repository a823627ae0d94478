"""Joints from maps that are drawn from known persons."""

import numpy as np
import pytest

from lia_bench.metrics.networks.skeleton import (
    JOINTS,
    LIMBS,
    Peak,
    Person,
    connect,
    find_peaks,
    group_into_persons,
    last_of_each_joint,
    limb_score,
    most_complete,
)
from tests.metrics.extractors.skeletons import STANDING, Point, draw, moved, table

HEIGHT, WIDTH = 160, 260

LEFT_ARM = (5, 6, 7)


def persons_in(*joints: dict[int, Point]) -> list[Person]:
    confidence, fields = draw(*joints, height=HEIGHT, width=WIDTH)
    return group_into_persons(find_peaks(confidence), fields)


def line_field(length: int, share: float = 1.0) -> np.ndarray:
    """(2, 40, 60): unit vectors to the right on row 10 from column 5, on a share of a line of `length` pixels."""
    field = np.zeros((2, 40, 60))
    field[0, 10, 5 : 5 + round(length * share) + 1] = 1
    return field


def test_joints_limbs_and_channels_are_the_published_ones() -> None:
    assert (JOINTS[0], JOINTS[4], JOINTS[11], JOINTS[17]) == ("nose", "right wrist", "left hip", "left ear")
    assert len(JOINTS) == 18
    assert sorted(limb.channel for limb in LIMBS) == list(range(0, 38, 2))
    first_channels = {(JOINTS[limb.start], JOINTS[limb.end]): limb.channel for limb in LIMBS}
    assert first_channels["neck", "right hip"] == 0
    assert first_channels["neck", "right shoulder"] == 12
    assert first_channels["left shoulder", "left ear"] == 26
    assert first_channels["nose", "left eye"] == 32
    assert first_channels["left eye", "left ear"] == 36


def test_one_person_is_found_whole_in_both_tables() -> None:
    confidence, fields = draw(STANDING, height=HEIGHT, width=WIDTH)
    peaks = find_peaks(confidence)
    for found in (last_of_each_joint(peaks), most_complete(group_into_persons(peaks, fields))):
        assert found.shape == (18, 2)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, table(STANDING), atol=1)


def test_joints_between_pixels_are_found_within_one_pixel() -> None:
    between = moved(STANDING, 3.4, 2.7)
    (person,) = persons_in(between)
    np.testing.assert_allclose(most_complete([person]), table(between), atol=1)


def test_two_persons_are_told_apart() -> None:
    others = moved(STANDING, 110, 12)
    persons = sorted(persons_in(STANDING, others), key=lambda person: person.joints[1].x)
    for person, expected in zip(persons, (STANDING, others), strict=True):
        np.testing.assert_allclose(most_complete([person]), table(expected), atol=1)


def test_crossed_arms_stay_with_their_owners() -> None:
    """The left wrist of one is nearer to the other's left elbow than to his own."""
    left, right = dict(STANDING), moved(STANDING, 110, 0)
    left[7] = (140, 70)
    persons = sorted(persons_in(left, right), key=lambda person: person.joints[1].x)
    np.testing.assert_allclose(most_complete(persons[:1]), table(left), atol=1)
    np.testing.assert_allclose(most_complete(persons[1:]), table(right), atol=1)


@pytest.mark.parametrize("missing", [(4,), (0,), (8, 9, 10), LEFT_ARM])
def test_missing_joints_are_not_numbers(missing: tuple[int, ...]) -> None:
    seen = {joint: point for joint, point in STANDING.items() if joint not in missing}
    confidence, fields = draw(seen, height=HEIGHT, width=WIDTH)
    peaks = find_peaks(confidence)
    for found in (last_of_each_joint(peaks), most_complete(group_into_persons(peaks, fields))):
        assert np.isnan(found[list(missing)]).all()
        np.testing.assert_allclose(found, table(seen), atol=1)


def test_the_later_person_overwrites_the_earlier_joint_by_joint() -> None:
    """Peaks come from the top down, so the lower person is the later; joints that he lacks stay the other's."""
    lower = {joint: point for joint, point in moved(STANDING, 110, 12).items() if joint not in LEFT_ARM}
    for persons in ((STANDING, lower), (lower, STANDING)):
        confidence, _ = draw(*persons, height=HEIGHT, width=WIDTH)
        np.testing.assert_allclose(last_of_each_joint(find_peaks(confidence)), table({**STANDING, **lower}), atol=1)


def test_in_one_row_the_later_peak_is_the_one_to_the_right() -> None:
    confidence, _ = draw({4: (30, 50)}, {4: (90, 50)}, height=HEIGHT, width=WIDTH)
    np.testing.assert_array_equal(last_of_each_joint(find_peaks(confidence))[4], (90, 50))


def test_joints_of_nobody_count_in_the_published_table_alone() -> None:
    stray = {4: (200, 150)}
    confidence, fields = draw(STANDING, stray, height=HEIGHT, width=WIDTH)
    peaks = find_peaks(confidence)
    np.testing.assert_array_equal(last_of_each_joint(peaks)[4], stray[4])
    persons = group_into_persons(peaks, fields)
    np.testing.assert_allclose(most_complete(persons)[4], STANDING[4], atol=1)


def test_the_most_complete_person_wins_then_the_surest() -> None:
    def joints(number: int, count: int) -> dict[int, Peak]:
        return {joint: Peak(number, joint, 1.0) for joint in range(count)}

    persons = [Person(joints(2, 5), 90.0), Person(joints(1, 6), 6.0), Person(joints(3, 6), 7.0)]
    assert most_complete(persons)[0].tolist() == [3, 0]
    assert most_complete(persons[:2])[0].tolist() == [1, 0]


def test_nobody_gives_no_joints() -> None:
    peaks = find_peaks(np.zeros((19, 20, 30)))
    assert peaks == [[]] * 18
    persons = group_into_persons(peaks, np.zeros((38, 20, 30)))
    assert np.isnan(most_complete(persons)).all()
    assert np.isnan(last_of_each_joint(peaks)).all()


def test_the_map_of_the_background_has_no_peaks() -> None:
    confidence = np.zeros((19, 20, 30))
    confidence[18, 5, 6] = 1
    assert not any(find_peaks(confidence))


@pytest.mark.parametrize(("height", "count"), [(0.1, 0), (0.11, 1)])
def test_peaks_are_above_the_threshold(height: float, count: int) -> None:
    confidence = np.zeros((18, 20, 30))
    confidence[3, 5, 6] = height
    assert len(find_peaks(confidence)[3]) == count


def test_peaks_at_the_border_count() -> None:
    confidence = np.zeros((18, 20, 30))
    confidence[0, 0, 0] = confidence[0, 19, 29] = 1
    assert [(peak.x, peak.y) for peak in find_peaks(confidence)[0]] == [(0, 0), (29, 19)]


def test_a_peak_moves_to_the_highest_pixel_within_two() -> None:
    confidence = np.zeros((18, 20, 30))
    confidence[0, 5, 6], confidence[0, 7, 8] = 0.5, 0.9
    assert [(peak.x, peak.y, peak.height) for peak in find_peaks(confidence)[0]] == [(8, 7, 0.9)] * 2
    confidence[0, 7, 8], confidence[0, 8, 9] = 0, 0.9
    assert [(peak.x, peak.y) for peak in find_peaks(confidence)[0]] == [(6, 5), (9, 8)]


def test_a_limb_scores_the_mean_of_its_field_along_it() -> None:
    start, end = Peak(5, 10, 1.0), Peak(23, 10, 1.0)
    field = line_field(18)
    assert limb_score(start, end, field) == pytest.approx(1.0)
    assert limb_score(start, end, 0.5 * field) == pytest.approx(0.5)
    assert limb_score(end, start, field) is None
    assert limb_score(start, start, field) is None


def test_a_limb_longer_than_half_the_height_is_worth_less() -> None:
    """40 rows: 20 pixels cost nothing, 45 cost 1 - 20 / 45."""
    assert limb_score(Peak(5, 10, 1.0), Peak(50, 10, 1.0), line_field(45)) == pytest.approx(20 / 45)


def test_nine_of_ten_points_must_agree() -> None:
    start, end = Peak(5, 10, 1.0), Peak(23, 10, 1.0)
    assert limb_score(start, end, line_field(18, share=16 / 18)) == pytest.approx(0.9)
    assert limb_score(start, end, line_field(18, share=14 / 18)) is None
    assert limb_score(start, end, 0.05 * line_field(18)) is None


def test_the_best_limbs_are_taken_first_and_no_peak_twice() -> None:
    field = np.zeros((2, 40, 60))
    field[0] = 1
    starts, ends = [Peak(5, 10, 1.0), Peak(5, 20, 1.0)], [Peak(20, 11, 1.0), Peak(20, 18, 1.0), Peak(20, 22, 1.0)]
    pairs = [(connection.start, connection.end) for connection in connect(starts, ends, field)]
    assert pairs[0] == (starts[0], ends[0])
    assert len(pairs) == 2
    assert pairs[1][0] is starts[1]


@pytest.mark.parametrize(("size", "count"), [(3, 0), (4, 1)])
def test_persons_have_at_least_four_joints(size: int, count: int) -> None:
    chain = (1, 2, 3, 4)[:size]
    assert len(persons_in({joint: STANDING[joint] for joint in chain})) == count


@pytest.mark.parametrize(("share", "count"), [(0.2, 0), (0.3, 1)])
def test_persons_have_a_mean_score_of_two_fifths(share: float, count: int) -> None:
    """Four joints and three limbs of full strength score 7 / 4 a joint."""
    confidence, fields = draw({joint: STANDING[joint] for joint in (1, 2, 3, 4)}, height=HEIGHT, width=WIDTH)
    assert len(group_into_persons(find_peaks(share * confidence), share * fields)) == count


def test_parts_of_a_person_are_joined_by_the_limbs_between_them() -> None:
    """Without a neck each leg stands alone, and is too little; the ears join the face and both arms."""
    without_neck = {joint: point for joint, point in STANDING.items() if joint != 1}
    (person,) = persons_in(without_neck)
    assert person.joints.keys() == without_neck.keys() - {8, 9, 10, 11, 12, 13}


def test_an_ear_and_a_shoulder_alone_are_no_start_of_a_person() -> None:
    shoulder, ear = Peak(44, 42, 1.0), Peak(46, 18, 1.0)
    _, fields = draw({2: (44, 42), 16: (46, 18)}, height=HEIGHT, width=WIDTH)
    peaks: list[list[Peak]] = [[] for _ in JOINTS]
    peaks[2], peaks[16] = [shoulder], [ear]
    assert group_into_persons(peaks, fields) == []
