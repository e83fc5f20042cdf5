"""One peer in a process of its own: answers the commands of bench/peers_hone.cpp on standard input, a line of JSON each.

usage: worker.py ADAPTER[:VARIANT] DATA FOLDER
"""
import ctypes
import importlib
import json
import os
import sys
import time

from data import Data


def syncs():
    try:
        ask = ctypes.CDLL(None).peers_syncs
    except AttributeError:
        return -1
    ask.restype = ctypes.c_long
    return ask()


def serve(peer, data, reply):
    for line in sys.stdin:
        command, *numbers = line.split()
        a, b, c = (int(n) for n in numbers + ["0"] * (3 - len(numbers)))
        start, ms = time.perf_counter(), []
        said = start
        if command == "write":
            before = syncs()
            for i in range(a, b, c):
                one = time.perf_counter()
                peer.write(range(i, min(i + c, b)))
                ms.append((time.perf_counter() - one) * 1000)
                if time.perf_counter() - said > 1:
                    said = time.perf_counter()
                    reply(written=min(i + c, b))
            reply(seconds=time.perf_counter() - start, syncs=-1 if before < 0 else syncs() - before, ms=ms)
        elif command == "recall":
            found = []
            for q in range(a, b):
                row = data.question(q)
                one = time.perf_counter()
                found.append(peer.recall(row, c))
                ms.append((time.perf_counter() - one) * 1000)
            reply(ms=ms, ids=[[data.row[text] for text in texts if text in data.row] for texts in found])
        elif command == "fresh":
            for i in range(a, b):
                one = time.perf_counter()
                peer.write(range(i, i + 1))
                found = peer.recall(i, c)
                ms.append((time.perf_counter() - one) * 1000)
                if data.texts[i] not in found:
                    ms[-1] = None
            reply(ms=ms)
        elif command == "count":
            reply(count=peer.count())
        else:
            reply(error="no such command")


def main():
    name, _, variant = sys.argv[1].partition(":")
    folder = sys.argv[3]
    # Libraries print; only replies may reach the standard output.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def reply(**what):
        out.write(json.dumps(what) + "\n")
        out.flush()

    data = Data(sys.argv[2])
    module = importlib.import_module("peer_" + name)
    start = time.perf_counter()
    peer = module.Peer(folder, data, variant)
    reply(seconds=time.perf_counter() - start)
    serve(peer, data, reply)


if __name__ == "__main__":
    main()
