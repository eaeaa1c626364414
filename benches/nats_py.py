"""The column "nats-py": reads lines "WORK COUNT SIZE WIDTH VIA" and answers each with nanoseconds
and, for latencies, their p50 and p99; see worker.tcl. The work itself is in rows/*.py."""

import asyncio
import os
import sys

import nats

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "rows"))
import core, jetstream, kv  # noqa: E401, E402  (found by the line above)

WORKS = {**core.WORKS, **jetstream.WORKS, **kv.WORKS}


async def answer(line, connections):
    work, count, size, width, via = line.split()
    # The sink answers nothing by which this client could know that all has arrived.
    if work not in WORKS or via == "sink":
        return "none"
    if via not in connections:
        connections[via] = await nats.connect(os.environ["BENCH_" + via.upper()], allow_reconnect=False)
    time, latencies = await WORKS[work](connections[via], int(count), int(size), int(width))
    if not latencies:
        return str(time)
    latencies.sort()
    last = len(latencies) - 1
    return f"{time} {latencies[last // 2]} {latencies[last * 99 // 100]}"


async def main():
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    connections = {}
    while line := (await lines.readline()).decode():
        try:
            result = await answer(line, connections)
        except Exception as error:  # Whatever went wrong is told in the table.
            result = f"failed {error!r}".replace("\n", " ")
        print(result, flush=True)


asyncio.run(main())
