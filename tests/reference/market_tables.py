"""Markdown tables, and the few statistics that they hold."""


def table(head, rows):
    """The lines of a table; numbers stand at the right."""
    rows = [[str(x) for x in row] for row in rows]
    right = [all(row[i][:1] in "0123456789-+" for row in rows)
             for i in range(len(head))]
    return ["| " + " | ".join(head) + " |",
            "|" + "|".join("---:" if x else "---" for x in right) + "|",
            *("| " + " | ".join(row) + " |" for row in rows)]


def number(value):
    return f"{value:,}"


def share(part, of):
    """In percent, with one decimal."""
    return f"{100 * part / of:.1f}" if of else "-"


def percent(ten_thousandths):
    return f"{ten_thousandths / 100:.1f}"


def dollars(cents):
    return f"{cents / 100:,.0f}"


def middle(values):
    """The upper median; none of an empty list."""
    return sorted(values)[len(values) // 2]


ERROR_HEAD = ["median error %", "within 10 %", "within 20 %", "bias %"]


def errors(pairs):
    """Cells for ERROR_HEAD, of (estimate, price)."""
    off = [(estimate - price) / price for estimate, price in pairs]
    return [f"{100 * middle([abs(x) for x in off]):.1f}",
            share(sum(abs(x) <= 0.1 for x in off), len(off)),
            share(sum(abs(x) <= 0.2 for x in off), len(off)),
            f"{100 * middle(off):+.1f}"]
