#!/usr/bin/env python3
"""Mutants of the parity corpus, to `brolga check` and to the live kernel.

    tests/mutants.py CORPUS BROLGA [--rounds N] [--seed S] [--show N]

CORPUS is a directory with `requests.jsonl` and `kernel.jsonl` (`.ci/parity` makes
one), BROLGA the command. Each round changes every program of tier A a little, in
one or two places. Programs are only loaded, never run. Prints two numbers that are
never added up, unsafe accepts (the kernel rejects) and false rejects (it accepts),
and on lines of their own where the kernel gave up, and where we reject the form of
an instruction that the kernel did not come to; exits with 1 where there is an
unsafe accept. Needs root.
"""
import argparse
import collections
import ctypes
import json
import os
import random
import struct
import subprocess

MAPS = {"hash": 1, "array": 2, "prog_array": 3, "perf_event_array": 4, "percpu_hash": 5, "percpu_array": 6,
        "stack_trace": 7, "lru_hash": 9, "lru_percpu_hash": 10, "lpm_trie": 11, "devmap": 14, "sockmap": 15,
        "cpumap": 16, "xskmap": 17, "sockhash": 18, "queue": 22, "stack": 23, "ringbuf": 27}
PROGS = {"socket_filter": 1, "kprobe": 2, "sched_cls": 3, "sched_act": 4, "tracepoint": 5, "xdp": 6,
         "perf_event": 7, "cgroup_skb": 8, "lwt_in": 10, "lwt_out": 11, "lwt_xmit": 12, "sk_msg": 16,
         "raw_tracepoint": 17}
PLAIN = {"type", "key_size", "value_size", "max_entries", "flags"}
EDGES = [0, 1, -1, 2, 4, 7, 8, 16, 31, 32, 63, 64, 255, 2**31 - 1, -2**31]
CONDITIONS, OPERATORS = [1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13], [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12]
LOG = 1 << 20
libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attr):
    return libc.syscall(321, command, ctypes.create_string_buffer(bytes(attr), 160), 160)


class Maps:
    """The kernel's maps, each made once."""

    def __init__(self):
        self.made = {}

    def fd(self, wanted):
        key = json.dumps(wanted)
        if key not in self.made:
            plain = wanted["type"] in MAPS and not set(wanted) - PLAIN
            words = [MAPS.get(wanted["type"], 0), *(wanted[k] for k in ("key_size", "value_size", "max_entries", "flags"))]
            self.made[key] = bpf(0, struct.pack("5I", *words)) if plain else -1
        return self.made[key]


def load(request, insns, maps, log):
    """Whether the kernel accepts it, and its words; nothing where a map can not be made so."""
    code, fds = bytearray(insns), [maps.fd(m) for m in request["maps"]]
    if any(fd < 0 for fd in fds):
        return None
    for ref in request["map_refs"]:
        struct.pack_into("<i", code, ref["insn"] * 8 + 4, fds[ref["map"]])
    held = [ctypes.create_string_buffer(bytes(code), len(code)),
            ctypes.create_string_buffer(request["license"].encode()), ctypes.create_string_buffer(LOG if log else 1)]
    at = [ctypes.addressof(buffer) for buffer in held]
    attr = bytearray(160)
    struct.pack_into("<IIQQIIQ", attr, 0, PROGS[request["prog_type"]], len(code) // 8, at[0], at[1], log,
                     LOG if log else 0, at[2] if log else 0)
    struct.pack_into("<I", attr, 44, request["flags"])
    struct.pack_into("<I", attr, 68, request["expected_attach_type"])
    fd = bpf(5, attr)
    if fd >= 0:
        os.close(fd)
    return fd >= 0, held[2].value.decode(errors="replace")


def words(log):
    aside = ("processed ", "verification time", "cur state", "old state")
    lines = [line for line in log.splitlines() if line.strip() and not line.startswith(aside)]
    return lines[-1] if lines else ""


def changed(request, rng):
    """The instructions with something broken; those that refer to maps stay."""
    code = bytearray.fromhex(request["insns"])
    count = len(code) // 8
    kept = {ref["insn"] + half for ref in request["map_refs"] for half in (0, 1)}
    for _ in range(rng.choice([1, 1, 2])):
        at = rng.randrange(count)
        if at not in kept and code[at * 8] not in (0, 0x18):
            change(code, at * 8, rng, [i for i in range(count) if i not in kept and code[i * 8] not in (0, 0x18)])
    return bytes(code)


def change(code, at, rng, others):
    kind = rng.randrange(9)
    off, imm = struct.unpack_from("<hi", code, at + 2)
    narrow = lambda value, bits: max(-(1 << bits - 1), min((1 << bits - 1) - 1, value))
    if kind == 0:
        struct.pack_into("<i", code, at + 4, rng.choice([*EDGES, rng.randrange(-600, 600)]))
    elif kind == 1:
        struct.pack_into("<i", code, at + 4, narrow(imm + rng.randrange(-3, 4), 32))
    elif kind == 2:
        struct.pack_into("<h", code, at + 2, narrow(off + rng.choice([-8, -4, -2, -1, 1, 2, 4, 8]), 16))
    elif kind == 3:
        code[at + 1] = code[at + 1] & 0xF0 | rng.randrange(11)
    elif kind == 4:
        code[at + 1] = code[at + 1] & 0x0F | rng.randrange(11) << 4
    elif kind == 5:
        code[at] ^= 1 << rng.randrange(8)
    elif kind == 6:
        other = rng.choice(others) * 8
        code[at:at + 8] = code[other:other + 8]
    elif kind == 7:
        code[at:at + 8] = bytes([0x05]) + bytes(7)
    elif code[at] & 7 in (5, 6) and code[at] >> 4 not in (0, 8, 9):
        code[at] = code[at] & 0x0F | rng.choice(CONDITIONS) << 4
    elif code[at] & 7 in (4, 7):
        code[at] = code[at] & 0x0F | rng.choice(OPERATORS) << 4


def processors():
    """How many the kernel's verifier takes there to be."""
    with open("/sys/devices/system/cpu/possible") as possible:
        return int(possible.read().strip().replace(",", "-").split("-")[-1]) + 1


def corpus(directory):
    rows = lambda name: map(json.loads, open(os.path.join(directory, name)))
    tiers = {row["id"]: row["tier"] for row in rows("kernel.jsonl")}
    here = {"processors": processors()}
    return [{**r, **here} for r in rows("requests.jsonl") if tiers.get(r["id"]) == "A" and r["prog_type"] in PROGS]


def answers(brolga, requests):
    asked = "".join(json.dumps(r) + "\n" for r in requests)
    said = subprocess.run([brolga, "check"], input=asked, capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in said.splitlines()]


def judge(request, insns, answer, maps):
    """(what it counts as, the words that differ)."""
    accepted, _ = load(request, insns, maps, 0)
    ours = answer["verdict"]
    if (ours == "accept") == accepted:
        return "agree", ""
    if ours == "accept":
        said = words(load(request, insns, maps, 1)[1])
        gave_up = said.startswith(("BPF program is too large", "verifier bug"))
        return ("the kernel gave up" if gave_up else "unsafe accept"), said
    error = answer.get("error") or {}
    kinds = {"unsupported": "unsupported"} if ours == "unsupported" else {"decode": "form of an instruction"}
    return kinds.get(ours if ours == "unsupported" else error.get("stage"), "false reject"), error.get("message", "")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus")
    parser.add_argument("brolga")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=int, default=10)
    args = parser.parse_args()
    rng, maps, counts, shown = random.Random(args.seed), Maps(), collections.Counter(), []
    originals = corpus(args.corpus)
    for _ in range(args.rounds):
        mutants = [(r, changed(r, rng)) for r in originals]
        mutants = [(r, insns) for r, insns in mutants if insns.hex() != r["insns"] and load(r, insns, maps, 0)]
        asked = [{**r, "id": i, "insns": insns.hex(), "runs": []} for i, (r, insns) in enumerate(mutants)]
        for (request, insns), answer in zip(mutants, answers(args.brolga, asked), strict=True):
            verdict, said = judge(request, insns, answer, maps)
            counts[verdict] += 1
            if verdict in ("unsafe accept", "false reject"):
                shown.append(f"{verdict}: {request['name']}\n    {said}\n    {insns.hex()}")
    print("\n".join(shown[:args.show]))
    print(f"{sum(counts.values())} mutants:", ", ".join(f"{what} {n}" for what, n in counts.most_common()))
    raise SystemExit(1 if counts["unsafe accept"] else 0)


if __name__ == "__main__":
    main()
