from jinglebridge.protocol.jingle.residue import Residue, residue_of


def test_lines() -> None:
    assert Residue().lines == ()
    assert Residue(text=" a=x \r\n\n\t\nb=y z").lines == ("a=x", "b=y z")
    assert residue_of(()) is None
    assert residue_of(("a=x", "b=y")) == Residue(text="a=x\nb=y")
