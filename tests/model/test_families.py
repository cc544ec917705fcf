import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.model.families import FAMILIES, Attention, Family, Tap, family_of


def test_an_unknown_family_is_refused_with_what_is_known_and_how_to_add_one():
    with pytest.raises(NeuroglotError) as refused:
        family_of("mamba")
    message = str(refused.value)
    assert "'mamba' are not known yet" in message
    assert all(name in message for name in FAMILIES)
    assert "families.py" in message
    assert "neuroglot doctor" in message
    assert "\n" not in message


def test_the_sites_of_a_plain_mlp():
    taps = Family("h", "out", "act", "into").taps
    assert taps["mlp"] == Tap("out", "input")
    assert taps["mlp_gate"] == Tap("act", "output")
    assert taps["mlp_gate_pre"] == taps["mlp_up"] == Tap("act", "input")


def test_the_sites_of_a_gated_mlp():
    up = Tap("up", "output")
    taps = Family("h", "out", "act", "gate", up).taps
    assert taps["mlp_up"] == up
    assert taps["mlp_gate_pre"] == Tap("act", "input")
    assert (taps["resid_pre"], taps["resid"]) == (Tap("", "input"), Tap("", "output"))


def test_the_sites_of_attention():
    assert not [site for site in Family("h", "out", "act", "into").taps if site.startswith("attn")]
    separate = Family("h", "out", "act", "into", attention=Attention("o", ("q", "k", "v"))).taps
    assert separate["attn_out"] == Tap("o", "input")
    assert [separate[f"attn_{name}"] for name in "qkv"] == [Tap(name, "output") for name in "qkv"]
    fused = Attention("o", "qkv").taps
    assert [fused[f"attn_{name}"].after for name in "qkv"] == [(), ("attn_q",), ("attn_q", "attn_k")]
    assert {fused[f"attn_{name}"].module for name in "qkv"} == {"qkv"}
    assert Attention("o").taps == {"attn_out": Tap("o", "input")}
