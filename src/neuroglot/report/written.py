"""A table of words as a README and a paper want it."""

_LATEX = str.maketrans(
    {
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "\\": r"\textbackslash{}",
        "ρ": r"$\rho$",
        "≥": r"$\geq$",
        "−": "$-$",
        "–": "--",
        "·": r"$\cdot$",
    }
)


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """A pipe table."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def latex(header: list[str], rows: list[list[str]]) -> str:
    """A ``tabular`` with the rules of the package booktabs."""
    body = " \\\\\n".join(" & ".join(cell.translate(_LATEX) for cell in line) for line in rows)
    head = " & ".join(cell.translate(_LATEX) for cell in header)
    columns = "l" + "r" * (len(header) - 1)
    return (
        f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{head} \\\\\n\\midrule\n{body} \\\\\n"
        "\\bottomrule\n\\end{tabular}\n"
    )
