from neuroglot.progress import bar, silent


def test_silence_is_silent(capsys):
    with silent("scoring", 3) as advance:
        advance(3)
    assert capsys.readouterr() == ("", "")


def test_a_bar_speaks_on_standard_error_only(capsys):
    with bar("scoring neurons", 3) as advance:
        advance(2)
        advance(1)
    said = capsys.readouterr()
    assert said.out == ""
    assert "scoring neurons" in said.err
    assert "3/3" in said.err
