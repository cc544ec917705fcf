from neuroglot.report.charts.overlap import draw


def test_half_a_matrix_is_mirrored_into_a_square(findings, rows):
    assert len(findings.overlap.query("recipe == 'lape'")) == 10  # the upper half with its diagonal
    square = (
        rows(draw(findings))
        .query("recipe == 'lape'")
        .pivot(index="language_a", columns="language_b", values="jaccard")
    )
    assert square.shape == (4, 4)
    assert (square.to_numpy() == square.to_numpy().T).all()
    assert square.loc["zh", "vi"] == round((30 + 20) / (706 - 20), 5)


def test_a_whole_matrix_is_not_doubled(findings, rows):
    whole = type(findings)(**{**vars(findings), "overlap": rows(draw(findings))})
    assert len(rows(draw(whole))) == len(rows(draw(findings)))
