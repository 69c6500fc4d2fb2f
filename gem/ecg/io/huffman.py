"""The entropy code of SCP-ECG: its default table, tables of the file's own, table switching, differences.

Source: EN 1064 / ISO 11073-91064, section 2 and annex C. A table's codes are stored with their first bit lowest; samples
are packed first bit highest.
"""

from dataclasses import dataclass

import numpy as np

DEFAULT_TABLE = 19999
"""Number of tables by which a file says that it uses the default one."""

_LONGEST_CODE = 64


class CodeFault(ValueError):
    """Bits that no code of the table explains, or a table that cannot be one."""


@dataclass(frozen=True)
class Code:
    """extra   bits after the prefix, a signed number that is added to `base`
    base    value of the code, or the number of the table to go on with (counted from 1)
    switch  whether it switches tables
    """

    extra: int
    base: int
    switch: bool = False


Table = dict[str, Code]
"""Prefix as a text of 0 and 1 -> Code."""


def default_table() -> Table:
    """0, then 1 to 8 in unary with a sign, then 8 and 16 plain bits."""
    table = {"0": Code(0, 0)}
    for value in range(1, 9):
        table[f"{'1' * value}00"] = Code(0, value)
        table[f"{'1' * value}01"] = Code(0, -value)
    return table | {"1111111110": Code(8, 0), "1111111111": Code(16, 0)}


def checked_table(rows: list[tuple[int, int, int, int, int]], tables: int) -> Table:
    """A table from its rows (prefix bits, all bits, mode, base, code) in a file of `tables` tables. Raises `CodeFault`."""
    table: Table = {}
    for prefix, total, mode, base, code in rows:
        if not 1 <= prefix <= 32 or not prefix <= total <= _LONGEST_CODE:
            raise CodeFault(f"a code of {prefix} prefix bits of {total}")
        if mode == 0 and not 1 <= base <= tables:
            raise CodeFault(f"a switch to table {base} of {tables}")
        table[f"{code & ((1 << prefix) - 1):0{prefix}b}"[::-1]] = Code(total - prefix, base, mode == 0)
    if not table:
        raise CodeFault("a table without codes")
    return table


def decode(content: bytes, tables: list[Table], wanted: int) -> np.ndarray:
    """At most `wanted` samples as [n] int64, fewer when the bits end first. Raises `CodeFault`.

    Every lead begins with the first table.
    """
    bits = f"{int.from_bytes(content, 'big'):0{8 * len(content)}b}" if content else ""
    lengths = [sorted({len(prefix) for prefix in table}) for table in tables]
    table, sizes = tables[0], lengths[0]
    out: list[int] = []
    at, end = 0, len(bits)
    while len(out) < wanted and at < end:
        for size in sizes:
            code = table.get(bits[at : at + size])
            if code is not None:
                break
        else:
            if end - at < sizes[-1]:
                break  # the rest is padding
            raise CodeFault(f"no code at bit {at} of {end}")
        after = at + size
        if code.switch:
            table, sizes = tables[code.base - 1], lengths[code.base - 1]
        elif after + code.extra > end:
            break
        elif code.extra:
            extra = int(bits[after : after + code.extra], 2)
            out.append(code.base + extra - ((bits[after] == "1") << code.extra))
            after += code.extra
        else:
            out.append(code.base)
        at = after
    return np.array(out, dtype=np.int64)


def undifferenced(values: np.ndarray, order: int) -> np.ndarray:
    """Samples from their differences of `order` 0, 1 or 2, wrapped to 16 bits as the devices' own sums are."""
    out = values.astype(np.int64)
    if order == 2 and len(out) > 1:
        out[1] -= 2 * out[0]  # the first two are samples: their own second differences are x0 and x1 - 2 x0
    for _ in range(order):
        out = np.cumsum(out)
    return out.astype(np.int16)
