#!/usr/bin/env python3
"""Writes the case files of tests/cases/insn: every operator at edge values.

The expected values come from Python's integers alone. Programs are XDP programs
that read operands from the packet and write results back, so that the live
kernel can run them too. Run it from anywhere; it writes beside itself.
"""

import itertools
import pathlib

HERE = pathlib.Path(__file__).resolve().parent / "insn"
EDGES = [0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
         0x100000000, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000, 0xFFFFFFFFFFFFFFFF,
         0x0123456789ABCDEF, 0xFEDCBA9876543210]
IMMS = [0, 1, 2, 7, 0x7F, 0x80, 0xFFFF, 0x7FFFFFFF, -0x80000000, -1, -2, 0x12345678]
PAIRS = [(a, b) for a, b in itertools.product(EDGES, EDGES)
         if (EDGES.index(a) * 7 + EDGES.index(b) * 3) % 5 == 0
         or (a, b) in ((1 << 63, (1 << 64) - 1), (1 << 31, 0xFFFFFFFF), (5, 0), (0xFEDCBA9876543210, 0))]


def cut(value, bits):
    return value & ((1 << bits) - 1)


def signed(value, bits):
    value = cut(value, bits)
    return value - (1 << bits) if value >> (bits - 1) else value


def sdiv(a, b):
    """Towards zero, as C does."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def alu(op, bits, a, b):
    """What RFC 9669, section 4.1 says of `a op b`."""
    ua, ub, sa, sb = cut(a, bits), cut(b, bits), signed(a, bits), signed(b, bits)
    shift = ub & (bits - 1)
    result = {
        "+=": lambda: ua + ub, "-=": lambda: ua - ub, "*=": lambda: ua * ub,
        "|=": lambda: ua | ub, "&=": lambda: ua & ub, "^=": lambda: ua ^ ub, "=": lambda: ub,
        "<<=": lambda: ua << shift, ">>=": lambda: ua >> shift, "s>>=": lambda: sa >> shift,
        "/=": lambda: ua // ub if ub else 0, "%=": lambda: ua % ub if ub else ua,
        "s/=": lambda: sdiv(sa, sb) if sb else 0,
        "s%=": lambda: sa - sdiv(sa, sb) * sb if sb else sa,
    }[op]()
    return cut(result, bits)


def holds(op, bits, a, b):
    ua, ub, sa, sb = cut(a, bits), cut(b, bits), signed(a, bits), signed(b, bits)
    return {
        "==": ua == ub, "!=": ua != ub, ">": ua > ub, ">=": ua >= ub, "<": ua < ub, "<=": ua <= ub,
        "&": ua & ub != 0, "s>": sa > sb, "s>=": sa >= sb, "s<": sa < sb, "s<=": sa <= sb,
    }[op]


class Case:
    """r6 is the packet, r8 and r9 its first two words; results go to word 0 on."""

    def __init__(self, name):
        self.name, self.lines, self.runs, self.count = name, [], [], 0

    def do(self, *lines):
        self.lines += lines

    def result(self, reg):
        self.do(f"*(u64 *)(r6 + {8 * self.count}) = {reg}")
        self.count += 1

    def run(self, words, out):
        self.runs.append((words, out))

    def write(self):
        size = max(64, 8 * self.count)
        head = [";! type = \"xdp\" test = [\"verify\", \"interp\", \"jit\", \"kernel\"]"]
        hexes = lambda words: ", ".join(f"{w:#x}" for w in words)
        for words, out in self.runs:
            assert len(out) == self.count, self.name
            head.append(f";! run = [{hexes(words)}] out = [{hexes(out)}] r0 = 2")
        body = ["r6 = *(u32 *)(r1 + 0)", "r7 = *(u32 *)(r1 + 4)", "r2 = r6", f"r2 += {size}", "r0 = 1",
                "if r2 > r7 goto out", "r8 = *(u64 *)(r6 + 0)", "r9 = *(u64 *)(r6 + 8)"]
        body += self.lines + ["r0 = 2", "out:", "exit"]
        text = "\n".join(head) + "\n" + "\n".join(
            line if line.endswith(":") else "    " + line for line in body) + "\n"
        (HERE / f"{self.name}.txt").write_text(text)


NAMES = {"+=": "add", "-=": "sub", "*=": "mul", "/=": "div", "s/=": "sdiv", "|=": "or", "&=": "and",
         "<<=": "lsh", ">>=": "rsh", "%=": "mod", "s%=": "smod", "^=": "xor", "=": "mov", "s>>=": "arsh"}
CONDS = {"==": "jeq", "!=": "jne", ">": "jgt", ">=": "jge", "<": "jlt", "<=": "jle", "&": "jset",
         "s>": "jsgt", "s>=": "jsge", "s<": "jslt", "s<=": "jsle"}


def imms(op, bits):
    if op in ("<<=", ">>=", "s>>="):
        return [0, 1, 7, 31] + ([32, 63] if bits == 64 else [])
    if op in ("/=", "%=", "s/=", "s%="):
        return [i for i in IMMS if i]
    return IMMS


def operators():
    for op, bits in itertools.product(NAMES, (32, 64)):
        case, reg = Case(f"alu{bits}_{NAMES[op]}"), "w" if bits == 32 else "r"
        case.do("r3 = r8", f"{reg}3 {op} {reg}9")
        case.result("r3")
        case.do("r3 = r8", f"{reg}3 {op} {reg}3")
        case.result("r3")
        for imm in imms(op, bits):
            case.do("r3 = r8", f"{reg}3 {op} {imm}")
            case.result("r3")
        for a, b in PAIRS:
            out = [alu(op, bits, a, b), alu(op, bits, a, a)]
            case.run([a, b], out + [alu(op, bits, a, imm) for imm in imms(op, bits)])
        case.write()


def unary():
    case = Case("neg")
    case.do("r3 = r8", "r3 = -r3")
    case.result("r3")
    case.do("r3 = r8", "w3 = -w3")
    case.result("r3")
    for a in EDGES:
        case.run([a], [cut(-a, 64), cut(-a, 32)])
    case.write()
    case, outs = Case("movsx"), []
    for bits, size in [(64, 8), (64, 16), (64, 32), (32, 8), (32, 16)]:
        reg = "w" if bits == 32 else "r"
        case.do(f"{reg}3 = (s{size}){reg}8")
        case.result("r3")
        outs.append(lambda a, bits=bits, size=size: cut(signed(a, size), bits))
    for a in EDGES:
        case.run([a], [out(a) for out in outs])
    case.write()
    case, outs = Case("swap"), []
    for order, size in itertools.product(("le", "be", "bswap"), (16, 32, 64)):
        case.do("r3 = r8", f"r3 = {order}{size} r3")
        case.result("r3")
        turn = "little" if order == "le" else "big"
        outs.append(lambda a, size=size, turn=turn: int.from_bytes(cut(a, size).to_bytes(size // 8, turn), "little"))
    for a in EDGES:
        case.run([a], [out(a) for out in outs])
    case.write()


def jumps():
    for op, bits in itertools.product(CONDS, (32, 64)):
        case, reg = Case(f"{CONDS[op]}{bits}"), "w" if bits == 32 else "r"
        forms = [(f"{reg}9", None)] + [(str(i), i) for i in IMMS]
        for index, (src, _) in enumerate(forms):
            case.do("r3 = 1", f"if {reg}8 {op} {src} goto l{index}", "r3 = 0", f"l{index}:")
            case.result("r3")
        for a, b in PAIRS:
            case.run([a, b], [int(holds(op, bits, a, b if i is None else i)) for _, i in forms])
        case.write()


def memory():
    case, outs = Case("ldx"), []
    forms = [(f"u{s}", s, False) for s in (8, 16, 32, 64)] + [(f"s{s}", s, True) for s in (8, 16, 32)]
    # All loads come before the first store.
    for index, (name, size, sign) in enumerate(forms):
        case.do(f"r3 = *({name} *)(r6 + {9 if size == 8 else 8})", f"*(u64 *)(r10 - {8 * index + 8}) = r3")
        outs.append(lambda w, size=size, sign=sign: cut(
            signed(w >> (8 if size == 8 else 0), size) if sign else cut(w >> (8 if size == 8 else 0), size), 64))
    for index in range(len(forms)):
        case.do(f"r3 = *(u64 *)(r10 - {8 * index + 8})")
        case.result("r3")
    for w in EDGES:
        case.run([0, w], [out(w) for out in outs])
    case.write()
    case, outs = Case("st"), []
    for size in (8, 16, 32, 64):
        for src in ["r8", "w8"] + [str(i) for i in (0, 1, -1, 0x7FFFFFFF, -0x80000000)]:
            case.do("*(u64 *)(r10 - 8) = r9", f"*(u{size} *)(r10 - 8) = {src.replace('w8', 'r8')}",
                    "r3 = *(u64 *)(r10 - 8)")
            case.result("r3")
            outs.append(lambda a, b, size=size, src=src: (b >> size << size) | cut(
                a if src in ("r8", "w8") else int(src), size))
    for a, b in PAIRS[::5]:
        case.run([a, b], [out(a, b) for out in outs])
    case.write()


def atomics():
    plain = {"add": "+=", "or": "|=", "and": "&=", "xor": "^="}
    for bits in (32, 64):
        kind, mid = f"u{bits}", "64" if bits == 64 else ""
        low = lambda old, new, bits=bits: (old >> bits << bits) | new
        case, outs = Case(f"atomic{bits}"), []
        for op in plain.values():
            case.do("*(u64 *)(r10 - 8) = r8", "r4 = r9", f"lock *({kind} *)(r10 - 8) {op} r4",
                    "r3 = *(u64 *)(r10 - 8)")
            case.result("r3")
            case.result("r4")
            outs.append(lambda a, b, op=op: [low(a, alu(op, bits, a, b)), b])
        for name, op in list(plain.items()) + [("xchg", "=")]:
            text = {("xchg", 64): "r4 = xchg_64(r10 - 8, r4)", ("xchg", 32): "w4 = xchg32_32(r10 - 8, w4)"}.get(
                (name, bits), f"r4 = atomic{mid}_fetch_{name}(({kind} *)(r10 - 8), r4)")
            case.do("*(u64 *)(r10 - 8) = r8", "r4 = r9", text, "r3 = *(u64 *)(r10 - 8)")
            case.result("r3")
            case.result("r4")
            outs.append(lambda a, b, op=op: [low(a, alu(op, bits, a, b)), cut(a, bits)])
        for expected in ("r8", "r9"):
            text = "r0 = cmpxchg_64(r10 - 8, r0, r4)" if bits == 64 else "w0 = cmpxchg32_32(r10 - 8, r0, w4)"
            case.do("*(u64 *)(r10 - 8) = r8", "r4 = r9", f"r0 = {expected}", text, "r3 = *(u64 *)(r10 - 8)")
            case.result("r3")
            case.result("r0")
            outs.append(lambda a, b, e=expected: [
                low(a, cut(b, bits)) if e == "r8" or cut(a, bits) == cut(b, bits) else a, cut(a, bits)])
        for a, b in PAIRS[::3]:
            case.run([a, b], [word for out in outs for word in out(a, b)])
        case.write()
    case, outs = Case("acquire_release"), []
    for size in (8, 16, 32, 64):
        case.do("*(u64 *)(r10 - 8) = r8", f"store_release((u{size} *)(r10 - 8), r9)", "r3 = *(u64 *)(r10 - 8)")
        case.result("r3")
        case.do(f"r3 = load_acquire((u{size} *)(r10 - 8))")
        case.result("r3")
        outs.append(lambda a, b, size=size: [(a >> size << size) | cut(b, size), cut(b, size)])
    for a, b in PAIRS[::3]:
        case.run([a, b], [word for out in outs for word in out(a, b)])
    case.write()


CONFORMANCE = HERE.parent.parent / "conformance"


def vectors(name, listed):
    """A conformance file: for each (instructions, memory, result) r1 is the memory."""
    text = []
    for lines, mem, result in listed:
        data = " ".join(f"{byte:02x}" for word in mem for byte in word.to_bytes(8, "little"))
        body = ["r3 = *(u64 *)(r1 + 0)", "r4 = *(u64 *)(r1 + 8)"] * bool(mem) + lines + ["exit"]
        text.append("-- asm\n" + "\n".join(body) + f"\n-- mem\n{data}\n-- result\n{result:#x}\n")
    (CONFORMANCE / f"{name}.txt").write_text("\n".join(text))


SOME = [(0, 0), (1, 2), (7, 0xFFFFFFFFFFFFFFFF), (0x8000000000000000, 0xFFFFFFFFFFFFFFFF),
        (0x80000000, 0xFFFFFFFF), (0x123456789ABCDEF0, 0x11), (0xFFFFFFFFFFFFFFF3, 4), (0xFEDCBA98, 0)]


def conformance():
    """Every instruction of RFC 9669 once in each form."""
    CONFORMANCE.mkdir(exist_ok=True)
    for (op, name), bits in itertools.product(NAMES.items(), (32, 64)):
        reg = "w" if bits == 32 else "r"
        listed = [([f"{reg}3 {op} {reg}4", "r0 = r3"], [a, b], alu(op, bits, a, b)) for a, b in SOME]
        listed += [([f"{reg}3 {op} {i}", "r0 = r3"], [a, b], alu(op, bits, a, i))
                   for i in (3, imms(op, bits)[-1]) for a, b in SOME[1:5]]
        vectors(f"{name}{bits}", listed)
    for (op, name), bits in itertools.product(CONDS.items(), (32, 64)):
        reg = "w" if bits == 32 else "r"
        jump = lambda src: ["r0 = 1", f"if {reg}3 {op} {src} goto +1", "r0 = 0"]
        listed = [(jump(f"{reg}4"), [a, b], int(holds(op, bits, a, b))) for a, b in SOME]
        listed += [(jump(i), [a, b], int(holds(op, bits, a, i))) for i in (-1, 7) for a, b in SOME]
        vectors(f"{name}{bits}", listed)
    vectors("neg", [([f"{r}3 = -{r}3", "r0 = r3"], [a, b], cut(-a, bits)) for r, bits in (("r", 64), ("w", 32))
                    for a, b in SOME])
    vectors("movsx", [([f"{r}0 = (s{size}){r}3"], [a, 0], cut(signed(a, size), bits))
                      for r, bits, size in [("r", 64, 8), ("r", 64, 16), ("r", 64, 32), ("w", 32, 8), ("w", 32, 16)]
                      for a in EDGES])
    vectors("swap", [([f"r3 = {order}{size} r3", "r0 = r3"], [a, 0], int.from_bytes(
        cut(a, size).to_bytes(size // 8, "little" if order == "le" else "big"), "little"))
        for order in ("le", "be", "bswap") for size in (16, 32, 64) for a in (0x0123456789ABCDEF, 0xFF)])
    vectors("ldx", [([f"r0 = *(u{size} *)(r1 + 8)"], [0, a], cut(a, size))
                    for size in (8, 16, 32, 64) for a in EDGES[3:]])
    vectors("ldxs", [([f"r0 = *(s{size} *)(r1 + 8)"], [0, a], cut(signed(a, size), 64))
                     for size in (8, 16, 32) for a in EDGES[3:]])
    vectors("stx", [([f"*(u{size} *)(r1 + 8) = r3", "r0 = *(u64 *)(r1 + 8)"], [a, b], (b >> size << size) | cut(a, size))
                    for size in (8, 16, 32, 64) for a, b in SOME])
    vectors("st", [([f"*(u{size} *)(r1 + 8) = {i}", "r0 = *(u64 *)(r1 + 8)"], [a, b], (b >> size << size) | cut(i, size))
                   for size in (8, 16, 32, 64) for i in (0, -1, 0x12345678) for a, b in SOME[2:4]])
    vectors("lddw", [([f"r0 = {a:#x} ll"], [], a) for a in EDGES])
    vectors("ja", [(["r0 = 1", "if r3 == 5 goto +1", f"{go} +1", "r0 = 2"], [a, 0], r)
                   for go in ("goto", "gotol") for a, r in ((0, 1), (5, 2))] + [
                   (["r0 = 3", "goto +2", "r0 += 1", "goto +1", "goto -3"], [], 4)])
    vectors("call", [(["r6 = 5", "call pc+2", "r0 += r6", "exit", "r6 = 7", "r0 = 3"], [], 8)])
    for bits, (name, op) in itertools.product((32, 64), {"add": "+=", "or": "|=", "and": "&=", "xor": "^="}.items()):
        mid, low = "64" if bits == 64 else "", lambda old, new: (old >> bits << bits) | new
        vectors(f"atomic_{name}{bits}", [
            entry for a, b in SOME for entry in [
                ([f"lock *(u{bits} *)(r1 + 0) {op} r4", "r0 = *(u64 *)(r1 + 0)"], [a, b], low(a, alu(op, bits, a, b))),
                ([f"r4 = atomic{mid}_fetch_{name}((u{bits} *)(r1 + 0), r4)", "r0 = r4"], [a, b], cut(a, bits))]])
    for bits in (32, 64):
        r, low = "w" if bits == 32 else "r", lambda old, new, bits=bits: (old >> bits << bits) | cut(new, bits)
        xchg = "r4 = xchg_64(r1 + 0, r4)" if bits == 64 else "w4 = xchg32_32(r1 + 0, w4)"
        swap = "r0 = cmpxchg_64(r1 + 0, r0, r4)" if bits == 64 else "w0 = cmpxchg32_32(r1 + 0, r0, w4)"
        vectors(f"atomic_xchg{bits}", [
            entry for a, b in SOME for entry in [
                ([xchg, "r0 = r4"], [a, b], cut(a, bits)),
                ([xchg, "r0 = *(u64 *)(r1 + 0)"], [a, b], low(a, b))]])
        vectors(f"atomic_cmpxchg{bits}", [
            entry for a, b in SOME for entry in [
                (["r0 = r3", swap], [a, b], cut(a, bits)),
                (["r0 = r3", swap, "r0 = *(u64 *)(r1 + 0)"], [a, b], low(a, b)),
                (["r0 = r3", "r0 += 1", swap, "r0 = *(u64 *)(r1 + 0)"], [a, b], a)]])


def constants():
    case, wide = Case("lddw"), EDGES
    for value in wide:
        case.do(f"r3 = {value:#x} ll")
        case.result("r3")
    case.run([0], wide)
    case.write()


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    for make in (operators, unary, jumps, memory, atomics, constants, conformance):
        make()
